"""Signals to a whole family of processes: stand still, go on, end. Nothing of a family is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence

import psutil

from persona.child.budget import family_of, has_ended

_PAUSE_SECONDS = 0.02
_GRACE_SECONDS = 3.0  # between asking a family to end and making it


def freeze(root: psutil.Process) -> None:
    """Stop every process of the family where it is. Asked twice: one may have been started in between."""
    for _ in range(2):
        for process in family_of(root):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()


def thaw(root: psutil.Process) -> None:
    """Let the family go on; those that were not stopped do not notice."""
    for process in reversed(family_of(root)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask what still runs to end, then make it. Reaps the child last, until when its id stays its own."""
    root = psutil.Process(child.pid)
    family = family_of(root)
    try:
        if not has_ended(root):
            _signal(family, child.pid, signal.SIGTERM)
            thaw(root)  # a stopped process hears nothing but SIGKILL
            _wait_for_end([root])
    finally:  # a second Ctrl-C during the wait comes here at once
        family = list({*family, *family_of(root)})
        _signal(family, child.pid, signal.SIGKILL)
        _wait_for_end(family)  # large ones take a moment to give their memory back
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def ask(child: subprocess.Popen[bytes], *, patience: float) -> None:
    """Tell the child alone to end and give it so many seconds; `end` does the rest."""
    root = psutil.Process(child.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        root.terminate()
    _wait_for_end([root], patience)


def end_family(root: psutil.Process) -> None:
    """The same for a family that some other process started, and left; it is reaped by the system."""
    family = family_of(root)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_for_end(family)


def _wait_for_end(family: Sequence[psutil.Process], patience: float = _GRACE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not all(map(has_ended, family)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _signal(family: Sequence[psutil.Process], group: int, number: signal.Signals) -> None:
    """To the group, and to descendants that left it."""
    with contextlib.suppress(ProcessLookupError):  # the group is there once the child is a session of its own
        os.killpg(group, number)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
