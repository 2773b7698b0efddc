"""The parent is killed at each of its named steps: no child is left, and the folder is as good as new.

The names are read from the source, so a failpoint that is never reached fails here.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import persona.child
from adapters.failpoint import armed
from persona.child import ChildResult, end_strays
from persona.child.strays import NOTE

Run = Callable[..., ChildResult]
FAILPOINTS = sorted(
    {
        name
        for path in Path(persona.child.__file__).parent.glob("*.py")
        for name in re.findall(r'\breach\("([a-z._]+)"\)', path.read_text())
    }
)
PATIENCE = 10.0


def killed_at(name: str, act: Callable[[], object]) -> bool:
    """Whether `act`, in a process of its own, reached the failpoint, where it was killed."""

    def hook(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), signal.SIGKILL)

    process = os.fork()
    if process == 0:
        status = 1
        try:
            with armed(hook):
                act()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) or 0 == os.WEXITSTATUS(status), "it failed by itself"
    return os.WIFSIGNALED(status)


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Children whose job lies there."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder / "job.json") in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_the_steps_have_names() -> None:
    """Before anything is written, before and after the start, and at the end."""
    assert ["child.end", "child.follow", "child.start", "child.write_job"] == FAILPOINTS


@pytest.mark.parametrize("name", FAILPOINTS)
def test_a_parent_killed_at_any_step(name: str, run: Run, tmp_path: Path) -> None:
    """Its child dies with it or by whoever comes next, who finds no note and works in the same folder."""
    body = 'return {"twice": job["n"] * 2}' if name == "child.end" else "time.sleep(60)\nreturn {}"
    assert killed_at(name, lambda: run(body, {"n": 4})), f"{name} was never reached"
    end_strays(tmp_path)
    deadline = time.monotonic() + PATIENCE
    while at_work_in(tmp_path / "run") and time.monotonic() < deadline:
        time.sleep(0.05)

    assert [] == at_work_in(tmp_path / "run")
    assert [] == list(tmp_path.rglob(NOTE))
    assert {"twice": 42} == run('return {"twice": job["n"] * 2}', {"n": 21}).result
