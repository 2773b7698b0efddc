"""Idle time as logind knows it: desktops report it for their sessions, terminals are watched by logind."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta

from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Ask, Reading, ask_program

_NEVER_TOLD = timedelta(hours=3)
_SHOWN = ("Class", "Type", "IdleHint", "IdleSinceHintMonotonic", "TimestampMonotonic")


class LogindIdle:
    """The shortest idle time of the user's sessions on this machine.

    A hint that was never set means "someone is active" in a young session; in one of hours it means that
    this desktop tells logind nothing (many without a full desktop environment do not).
    """

    name = "logind"

    def __init__(
        self, *, uptime: Callable[[], float], ask: Ask = ask_program, user: int | None = None
    ) -> None:
        """`uptime` gives seconds on the clock that logind's monotonic times are on (without sleep)."""
        self._uptime, self._ask = uptime, ask
        self._user = os.getuid() if user is None else user

    def read(self) -> Reading[timedelta] | Missing:
        sessions = self._ask(["loginctl", "show-user", str(self._user), "--property=Sessions", "--value"])
        if isinstance(sessions, Missing):
            return sessions
        if not sessions.split():
            return Missing(reason="nobody is logged in")
        shown = self._ask([
            "loginctl", "show-session", *sessions.split(), *(f"--property={name}" for name in _SHOWN)
        ])  # fmt: skip
        if isinstance(shown, Missing):
            return shown
        found = [self._idle(session) for session in _blocks(shown) if session.get("Class") == "user"]
        known = [idle for idle in found if idle is not None]
        if not known:
            return Missing(reason="no session here tells logind whether it is idle")
        return Reading(min(known))

    def _idle(self, session: Mapping[str, str]) -> timedelta | None:
        try:
            since = int(session["IdleSinceHintMonotonic"]) / 1e6
            began = int(session["TimestampMonotonic"]) / 1e6
        except (KeyError, ValueError):
            return None
        if session.get("IdleHint") == "yes":
            return timedelta(seconds=max(0.0, self._uptime() - since))
        if since or self._uptime() - began < _NEVER_TOLD.total_seconds():
            return timedelta(0)
        return None


def _blocks(shown: str) -> list[dict[str, str]]:
    """loginctl prints one block of NAME=VALUE lines a session, with an empty line between."""
    return [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in shown.split("\n\n")
        if block.strip()
    ]
