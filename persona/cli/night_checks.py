"""What `doctor` looks at so that nights happen by themselves: probes, clock, service, record.

And what other programs on this machine are about to delete, since it cannot be learned from afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona import __version__
from persona.cli.check import Check, State
from persona.errors import PersonaError
from persona.schedule.circumstances import Missing
from persona.schedule.outlook import outlook
from persona.schedule.probes import Panel, Sources
from persona.schedule.probes.port import Ask, Reading, ask_program

if TYPE_CHECKING:
    from persona.bootstrap import Persona

_DAY = 86_400.0  # seconds
_SOON = 7  # days
_KEPT_BY_DEFAULT = 30  # days that Claude Code keeps conversations when nothing else is set


def examine_nights(persona: Persona) -> list[Check]:
    """Reads; changes nothing. May take seconds, since it asks the system's programs."""
    return [
        *_probes(persona),
        clock_check(),
        _service(persona),
        _schedule(persona),
        *history_checks(Path.home()),
    ]


def _probes(persona: Persona) -> list[Check]:
    """One line a quantity. A missing quantity is a warning: nights then begin without regard to it."""
    root = persona.home.root
    looks = Panel(Sources.of_system(root if root.is_dir() else Path(root.anchor), None)).looks()
    checks = []
    for quantity in dict.fromkeys(look.quantity for look in looks):
        mine = [look for look in looks if look.quantity == quantity]
        found = [
            f"{look.probe} {_shown(look.found.value)}" for look in mine if isinstance(look.found, Reading)
        ]
        missing = [f"{look.probe}: {look.found.reason}" for look in mine if isinstance(look.found, Missing)]
        without = (
            "a night then goes by the daemon's own requests"
            if quantity == "idle"
            else f"a night then begins without regard to {quantity}"
        )
        checks.append(
            Check(
                name=f"probe {quantity}",
                state=State.OK if found else State.WARNING,
                what="; ".join(found or missing),
                advice="" if found else without,
            )
        )
    return checks


def _shown(value: object) -> str:
    match value:
        case bool():
            return "says mains" if value else "says battery"
        case int():
            return f"{value / 1e9:.1f} GB"
        case float():
            return f"{value:.2f}"
    return str(value).split(".", maxsplit=1)[0]


def clock_check(ask: Ask = ask_program) -> Check:
    """The zone that nights go by, and whether the clock is kept right, where the system says so."""
    from tzlocal import get_localzone_name

    zone = get_localzone_name() or "/".join(time.tzname)
    said = ask(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    if isinstance(said, Missing):
        return Check(name="clock", state=State.OK, what=f"zone {zone}; not known whether it is kept right")
    if said.strip() == "no":
        return Check(
            name="clock",
            state=State.WARNING,
            what=f"zone {zone}; not synchronised",
            advice="`timedatectl set-ntp true` keeps it right; a wrong clock moves the nights",
        )
    return Check(name="clock", state=State.OK, what=f"zone {zone}; synchronised")


def _service(persona: Persona) -> Check:
    from persona.service import Program, service_for
    from persona.service.port import OUTDATED

    try:
        status = service_for(Program.installed(persona.home.root, __version__)).status()
    except PersonaError as error:
        return Check(
            name="service",
            state=State.WARNING,
            what=str(error),
            advice="nights need a running `persona serve`",
        )
    state = State.OK if status.running and status.advice != OUTDATED else State.WARNING
    return Check(name="service", state=state, what=status.says, advice=status.advice)


def _schedule(persona: Persona) -> Check:
    found = outlook(persona.paths.schedule, persona.settings.schedule)
    amiss = found["enabled"] and found["silent"]
    return Check(
        name="schedule",
        state=State.WARNING if amiss else State.OK,
        what=found["says"],
        advice="`persona serve` runs the nights" if amiss else "",
    )


def history_checks(home: Path, now: Callable[[], float] = time.time) -> list[Check]:
    """Conversations of other programs on this machine that those are about to delete."""
    folder = home / ".claude"
    conversations = list((folder / "projects").glob("*/*.jsonl"))
    if not conversations:
        return []
    days, problem = _kept_days(folder / "settings.json")
    ages = [(now() - file.stat().st_mtime) / _DAY for file in conversations]
    soon = sum(age > days - _SOON for age in ages)
    what = f"{len(ages)} conversations in {folder}, which Claude Code deletes after {days} days"
    if problem:
        what = f"{what} ({problem})"
    if not soon:
        return [Check(name="claude history", state=State.OK, what=what)]
    return [
        Check(
            name="claude history",
            state=State.WARNING,
            what=f"{what}; {soon} of them within {_SOON} days",
            advice=f'set "cleanupPeriodDays": 3650 in {folder / "settings.json"} to keep them',
        )
    ]


def _kept_days(settings: Path) -> tuple[int, str]:
    try:
        found: Any = json.loads(settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _KEPT_BY_DEFAULT, ""
    except (OSError, ValueError) as error:
        return _KEPT_BY_DEFAULT, f"its settings cannot be read: {error}"
    days = found.get("cleanupPeriodDays", _KEPT_BY_DEFAULT) if isinstance(found, dict) else _KEPT_BY_DEFAULT
    return (days, "") if isinstance(days, int) else (_KEPT_BY_DEFAULT, "its cleanupPeriodDays is no number")
