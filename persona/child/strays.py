"""Children that outlived their parent: noted when they start, found and ended by whoever comes next.

A note names a process by its id and its time of birth, since ids are given again.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import psutil

from adapters.durable import write_file
from persona.child.budget import has_ended
from persona.child.ending import end_family

NOTE = "child.json"
_BIRTH_TOLERANCE = 2.0  # seconds; the clock that births are told by may be set in between


def note(folder: Path, pid: int) -> None:
    """Write down that this process works in `folder`."""
    born = psutil.Process(pid).create_time()
    write_file(folder / NOTE, json.dumps({"pid": pid, "born": born}).encode())


def end_strays(runs: Path) -> int:
    """End what still works in a folder below `runs`; the number of children that did.

    Only for whoever may start children there and has started none: the holder of the home's lock.
    """
    ended = 0
    for file in sorted(runs.glob(f"*/{NOTE}")):
        process = _noted(file)
        if process is not None:
            end_family(process)
            ended += 1
        file.unlink(missing_ok=True)
    return ended


def _noted(file: Path) -> psutil.Process | None:
    """The child that a note is about, if it is still there."""
    with contextlib.suppress(ValueError, KeyError, TypeError, psutil.Error):  # an old note, or half of one
        plain = json.loads(file.read_bytes())
        process = psutil.Process(plain["pid"])
        same = abs(process.create_time() - plain["born"]) <= _BIRTH_TOLERANCE
        if same and "persona.child" in process.cmdline() and not has_ended(process):
            return process
    return None
