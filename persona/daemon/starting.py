"""A daemon started for somebody who needs one: a process of its own, which outlives whoever started it.

Invariant: what is returned answers; what could not be started has said why, in one line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from persona.daemon.place import Place, daemon_is_there, find_daemon
from persona.errors import DaemonNotStarted, DaemonRuns
from persona.paths import Home

_PATIENCE = 120.0  # seconds; a large base takes its time to load
_LOOK = 0.05
_LONGEST_LOG = 2**20  # bytes that are kept of daemons before this one
_PORT_TAKEN = "cannot be listened on"  # in the line of the error, persona.daemon.process


class StartedDaemon:
    """One daemon, and the right to end it. `command` is what is run, for tests."""

    def __init__(self, home: Home, environ: Mapping[str, str], command: Sequence[str] | None = None) -> None:
        self._home = home
        self._environ = {**environ, "PERSONA_HOME": str(home.root)}
        self._command = list(command or [sys.executable, "-m", "persona", "serve"])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Place:
        """Where it answers. On a free port where the one that is configured is taken; the one that somebody
        else started, once it is ready. Raises DaemonNotStarted."""
        try:
            return self._begin(self._command)
        except DaemonNotStarted as error:
            if _PORT_TAKEN not in str(error):
                raise
            return self._begin([*self._command, "--port", "0"])

    def end(self) -> None:
        """Tell the one that was started here to end; it drains by itself. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
        self._process = None

    def _begin(self, command: Sequence[str]) -> Place:
        log = self._home.root / "daemon.log"
        # Another daemon may be writing into it: both write at its end.
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as to:
            if to.tell() > _LONGEST_LOG:
                to.truncate(0)
            began = os.fstat(to.fileno()).st_size
            self._process = subprocess.Popen(
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=to,
                start_new_session=True,  # the terminal's Ctrl-C and its end are not the daemon's
            )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            place = find_daemon(self._home)
            if place is not None:
                return place  # ours, or one that somebody else started meanwhile
            code = self._process.poll()
            if code is not None and not (code == DaemonRuns.exit_code and daemon_is_there(self._home)):
                said = log.read_bytes()[began:].decode(errors="replace").strip().splitlines()
                raise DaemonNotStarted(said[-1] if said else "it said nothing", log)
            time.sleep(_LOOK)
        self.end()
        raise DaemonNotStarted(f"it did not answer within {_PATIENCE:.0f} seconds", log)
