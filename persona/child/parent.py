"""The parent's side: start a child, follow it, hold it to its budget, and take its result or its error.

No way out of `run_child` leaves the child or its process group behind: no return, no error, no Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from adapters.durable import write_file
from persona.child.budget import Budget, family_of, has_ended, resident_bytes
from persona.child.environment import child_environment
from persona.child.lines import LineReader
from persona.child.worker import RESULT, error_from_json
from persona.errors import ChildFailed

OnProgress = Callable[[Mapping[str, Any]], None]

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 3.0  # between asking a child to end and making it


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildResult:
    """What a child that ended well gave back. `peak_bytes` is sampled five times a second."""

    result: Mapping[str, Any]
    seconds: float
    peak_bytes: int
    exit_code: int


def run_child(
    module: str,
    job: Mapping[str, Any],
    *,
    folder: Path,
    stage: str,
    budget: Budget,
    on_progress: OnProgress,
    cancel: threading.Event | None = None,
) -> ChildResult:
    """Run `python -m MODULE job.json` in `folder`, which must exist, and wait for its result.

    `on_progress` is called in this thread with every JSON object that the child prints and that has an
    "event". The child's own PersonaError is raised here as itself; every other end without a result is
    ChildFailed, with the last line of the log. Setting `cancel`, or Ctrl-C, ends the child; both raise
    KeyboardInterrupt.
    """
    (folder / RESULT).unlink(missing_ok=True)
    write_file(folder / "job.json", json.dumps(job).encode())
    log = folder / f"{stage}.log"
    began = time.monotonic()
    with _opened_log(log) as errors, _started(module, folder, errors) as child:
        following = _Following(child, log=errors, budget=budget, on_progress=on_progress, cancel=cancel)
        why = following.until_end()
    if why is not None:
        raise ChildFailed(stage, why, log)
    return ChildResult(
        result=_result(folder, stage, log, child.returncode),
        seconds=time.monotonic() - began,
        peak_bytes=following.peak_bytes,
        exit_code=child.returncode,
    )


@contextlib.contextmanager
def _started(module: str, folder: Path, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "persona.child", str(os.getpid()), module, str(folder / "job.json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=folder,
        env=child_environment(os.environ, sys.path),
        start_new_session=True,  # a Ctrl-C in the terminal reaches us alone, and we end the child
    )
    try:
        yield child
    finally:
        _end(child)


class _Following:
    """One child while it runs."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        *,
        log: IO[bytes],
        budget: Budget,
        on_progress: OnProgress,
        cancel: threading.Event | None,
    ) -> None:
        assert child.stdout is not None
        self.peak_bytes = 0
        self._began = time.monotonic()
        self._root = psutil.Process(child.pid)
        self._lines = LineReader(child.stdout)
        self._log, self._budget, self._on_progress, self._cancel = log, budget, on_progress, cancel

    def until_end(self) -> str | None:
        """Returns when the child has ended, or why it has to be. It is not reaped here: see `_end`."""
        sampled = -_POLL_SECONDS
        while not has_ended(self._root):
            if self._cancel is not None and self._cancel.is_set():
                raise KeyboardInterrupt
            elapsed = time.monotonic() - self._began
            if elapsed - sampled >= _POLL_SECONDS:
                sampled = elapsed
                now = resident_bytes(family_of(self._root))
                self.peak_bytes = max(self.peak_bytes, now)
                if why := self._budget.exceeded_by(seconds=elapsed, memory_bytes=now):
                    return why
            self._pass_on(self._lines.read(_POLL_SECONDS))
        self._pass_on(self._lines.rest())
        return None

    def _pass_on(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            event = _event(line)
            if event is None:
                self._log.write(line)  # a library that prints
                self._log.flush()
            else:
                self._on_progress(event)


def _event(line: bytes) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask what still runs to end, then make it. Reaps the child last, until when its id stays its own."""
    root = psutil.Process(child.pid)
    family = family_of(root)
    try:
        if not has_ended(root):
            _signal(family, child.pid, signal.SIGTERM)
            _wait_for_end([root])
    finally:  # a second Ctrl-C during the wait comes here at once
        family = list({*family, *family_of(root)})
        _signal(family, child.pid, signal.SIGKILL)
        _wait_for_end(family)  # large ones take a moment to give their memory back
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def _wait_for_end(family: Sequence[psutil.Process]) -> None:
    deadline = time.monotonic() + _GRACE_SECONDS
    while not all(map(has_ended, family)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS / 10)


def _signal(family: Sequence[psutil.Process], group: int, number: signal.Signals) -> None:
    """To the group, and to descendants that left it."""
    os.killpg(group, number)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _result(folder: Path, stage: str, log: Path, exit_code: int) -> Mapping[str, Any]:
    try:
        result = json.loads((folder / RESULT).read_bytes())
    except FileNotFoundError:
        result = None
    if isinstance(result, dict) and isinstance(result.get("error"), dict):
        raise error_from_json(result["error"])
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = "; the system may have run out of memory" if name == "SIGKILL" else ""
        raise ChildFailed(stage, f"it was ended by {name}{hint}", log)
    if exit_code > 0:
        raise ChildFailed(stage, _last_line(log) or f"it ended with exit code {exit_code}", log)
    if not isinstance(result, dict):
        raise ChildFailed(stage, "it ended without a result", log)
    return result


def _last_line(log: Path, *, limit: int = 4096) -> str:
    """The last line of the log that is not blank; of a Python child, the exception that ended it."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - limit))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _opened_log(path: Path) -> IO[bytes]:
    """Empty, 0600 whatever the umask; appending, since child and parent write to it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")
