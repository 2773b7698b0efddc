"""Children whose work is a few lines of Python, in real processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from persona.child import Budget, ChildResult, Pause, run_child

SERVE = """
import sys
from persona.child import serve_job
{imports}
def work(job, report):
{body}
if __name__ == "__main__":
    sys.exit(serve_job(work))
"""


def indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


@dataclass(frozen=True)
class Runner:
    """Runs `body` as the work of a child and returns its result. `modules` is on the path."""

    modules: Path
    folder: Path

    def __call__(
        self,
        body: str,
        job: Mapping[str, Any] | None = None,
        *,
        plain: bool = False,
        budget: Budget | None = None,
        on_progress: Callable[[Mapping[str, Any]], None] = lambda event: None,
        cancel: threading.Event | None = None,
        pause: Pause | None = None,
    ) -> ChildResult:
        source = body if plain else SERVE.format(imports="import os, time, signal", body=indented(body))
        (self.modules / "the_child.py").write_text(source)
        return run_child(
            "the_child",
            job or {},
            folder=self.folder,
            stage="train",
            budget=budget or Budget(seconds=60),
            on_progress=on_progress,
            cancel=cancel,
            pause=pause,
        )


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
