"""Nights that the daemon starts: each a process of its own, which holds the home's lock like any other.

The daemon answers meanwhile, and sees the promotion as it would see anybody's.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from persona.errors import NightRuns

_PATIENCE = 10.0  # seconds for a night to put things away when it is told to end

_log = logging.getLogger(__name__)

Tell = Callable[[str, Mapping[str, Any]], None]


class Nights:
    """At most one night at a time, of one identity. Thread-safe. `command` is what is run."""

    def __init__(
        self, *, identity: str, environ: Mapping[str, str], tell: Tell, command: Sequence[str] | None = None
    ) -> None:
        self._command = list(command or [sys.executable, "-m", "persona", "train", "--now", "--json"])
        self._environ = {**environ, "PERSONA_IDENTITY__NAME": identity}
        self._tell = tell
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._last: dict[str, Any] | None = None

    def start(self) -> dict[str, Any]:
        """Begin a night now. NightRuns while one of ours goes on."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                raise NightRuns(self._process.pid)
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C at the daemon's terminal is the daemon's to pass on
            )
            process = self._process
        threading.Thread(target=self._follow, args=(process,), name="persona-night", daemon=True).start()
        self._tell("night", {"state": "started", "pid": process.pid})
        return {"started": True, "pid": process.pid}

    def state(self) -> dict[str, Any]:
        """For `status`: whether a night of ours goes on, and how the last one ended."""
        with self._lock:
            running = self._process is not None and self._process.poll() is None
            return {"running": running, "last": self._last}

    def close(self) -> None:
        """End the night that goes on; its run is closed as interrupted. Idempotent."""
        with self._lock:
            process = self._process
        if process is None or process.poll() is not None:
            return
        _signal(process, signal.SIGINT)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            _log.warning("the night did not end within %s seconds: killed", _PATIENCE)
            _signal(process, signal.SIGKILL)
            process.wait()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        with process:  # closes its pipes
            steps = threading.Thread(target=self._steps, args=(process.stderr, lines), daemon=True)
            steps.start()
            said = process.stdout.read()
            steps.join()
            code = process.wait()
        ended = _ended(code, said, lines)
        with self._lock:
            self._last = ended
        self._tell("night", ended)

    def _steps(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            lines[:] = [line.strip()]
            self._tell("night", {"state": "running", "step": line.strip()})


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.killpg(process.pid, number)


def _ended(code: int, said: str, lines: Sequence[str]) -> dict[str, Any]:
    if code == 0:
        try:
            found = json.loads(said)
            return {
                "state": "ended",
                "outcome": found["outcome"],
                "revision": found["revision"],
                "reasons": found["reasons"],
            }
        except (ValueError, KeyError):
            lines = ["it said nothing that can be read"]
    return {"state": "failed", "exit_code": code, "why": lines[-1] if lines else ""}
