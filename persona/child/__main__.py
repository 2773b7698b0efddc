"""`python -m persona.child ROLE MODULE JOB`: settle into the role of a child, then run MODULE on JOB."""

from __future__ import annotations

import json
import runpy
import sys

from persona.child.settling import Role, settle


def _main() -> None:
    _, role, module, job = sys.argv
    settle(Role(**json.loads(role)))
    sys.argv = [module, job]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
