"""Keeps the machine from falling asleep by itself, as long as it is held and this process lives.

It never keeps a lid that is closed, or a person, from sending the machine to sleep: a lid is handled by
logind whatever programs ask for, and the clock lets go as soon as someone is there.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

_log = logging.getLogger("persona.schedule")
_END_SECONDS = 5.0


class Wakefulness(Protocol):
    """`hold` and `let_go` are idempotent, quick, and never raise: a machine that sleeps is no failure."""

    def hold(self) -> None: ...
    def let_go(self) -> None: ...


class Asleep:
    """Lets the machine do as it likes."""

    def hold(self) -> None:
        return

    def let_go(self) -> None:
        return


class Holder:
    """A program that inhibits sleep while it runs. It ends with this process: its input closes, or it watches
    our id."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._running: subprocess.Popen[bytes] | None = None

    def hold(self) -> None:
        if self._running is not None and self._running.poll() is None:
            return
        self.let_go()
        try:
            self._running = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            _log.warning("schedule: the machine may fall asleep: %s: %s", self._command[0], error)

    def let_go(self) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        assert running.stdin is not None
        running.stdin.close()
        running.terminate()
        try:
            running.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wakefulness(platform: str = sys.platform) -> Wakefulness:
    """What this system has for it; Asleep where it has nothing that we know."""
    if platform == "darwin" and shutil.which("caffeinate"):
        return Holder(["caffeinate", "-i", "-w", str(os.getpid())])
    if platform == "linux" and shutil.which("systemd-inhibit"):
        why = "--why=learning overnight"
        return Holder(["systemd-inhibit", "--what=idle:sleep", "--who=persona", why, "cat"])
    return Asleep()
