"""`python -m persona.child PARENT MODULE JOB`: settle into the role of a child, then run MODULE on JOB.

The settling happens here and not between fork and exec, where a parent with threads could deadlock. It comes
before MODULE is imported, so nothing heavy ever runs at the user's priority or outlives the parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import runpy
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NICE = 10
_OOM_SCORE = "800"  # of 1000: when memory runs out the kernel takes the child, not the user's programs


def _settle(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    if os.getppid() != parent:  # it died before the line above could take effect
        os.kill(os.getpid(), signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.nice(_NICE)


def _main() -> None:
    _, parent, module, job = sys.argv
    _settle(int(parent))
    sys.argv = [module, job]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
