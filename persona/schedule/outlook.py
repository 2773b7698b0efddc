"""What the record says about the next night, for people: why not yet, or since when nobody has looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona.errors import Damaged
from persona.schedule.state import Entry, ScheduleFile, ScheduleState, entry_json

if TYPE_CHECKING:
    from persona.config import ScheduleSettings

# Every night begins with a new decision, so a daemon that runs leaves a line at least once a day.
_SILENT = timedelta(hours=50)  # two days as long as clocks make them


def outlook(path: Path, settings: ScheduleSettings, now: datetime | None = None) -> dict[str, Any]:
    """JSON: the settings that matter, the last decision, and `says`, one line. Raises nothing."""
    try:
        state = ScheduleFile(path).read()
    except Damaged as error:
        state, problem = ScheduleState(), str(error)
    else:
        problem = ""
    last = state.last_decision
    silent = last is None or (now or datetime.now(UTC)) - state.log[-1].at > _SILENT
    return {
        "enabled": settings.enabled,
        "window": settings.window,
        "last_done": state.done[-1].isoformat() if state.done else None,
        "begun": state.tonight.begun.isoformat() if state.tonight and state.tonight.begun else None,
        "decision": None if last is None else entry_json(last),
        "silent": silent,
        "says": problem or _says(state, last, enabled=settings.enabled, silent=silent),
    }


def _says(state: ScheduleState, last: Entry | None, *, enabled: bool, silent: bool) -> str:
    if not enabled:
        return "switched off: [schedule] enabled is false"
    if last is None:
        return "no daemon has looked yet: `persona service install` starts one"
    if silent:
        return f"no daemon has looked since {_when(state.log[-1].at)}: see `persona service status`"
    if state.tonight and state.tonight.begun:
        return f"running since {_when(state.tonight.begun)}"
    if state.log[-1] is not last:  # a night has ended since, and nobody has looked again yet
        last = state.log[-1]
    why = "; ".join(reason.text for reason in last.reasons)
    until = f", not before {_when(last.until)}" if last.until else ""
    kind = _KINDS.get(last.kind, f"{last.kind.replace('_', ' ')}, night of {last.night}")
    return f"since {_when(last.at)} {kind}{until}: {why}"


_KINDS = {"wait": "waiting", "run": "due", "catch_up": "due, to catch up"}


def _when(at: datetime) -> str:
    return at.astimezone().strftime("%a %H:%M")
