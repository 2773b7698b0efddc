"""A night's clock with the parts that this system has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from persona.schedule.awake import Asleep, wakefulness
from persona.schedule.circumstances import Terms
from persona.schedule.clock import NightClock, Parts
from persona.schedule.leash import NightWork
from persona.schedule.note import NoNote, desktop_note
from persona.schedule.probes import Panel, Sources
from persona.schedule.probes.traffic import OwnTraffic
from persona.schedule.state import ScheduleFile
from store.records import Run

if TYPE_CHECKING:
    from persona.config import ScheduleSettings


def night_clock(
    settings: ScheduleSettings,
    *,
    quiet_seconds: float,
    file: Path,
    traffic: OwnTraffic,
    runs: Callable[[], Sequence[Run]],
    night: NightWork,
) -> NightClock:
    """Not started. `file` is the identity's schedule.json, whose folder exists; `runs` and `night` as in
    Parts; `traffic` is touched by whoever takes requests. With less than `quiet_seconds` of quiet a running
    night makes way."""
    return NightClock(
        Parts(
            terms=Terms.of(settings),
            presence=quiet_seconds,
            file=ScheduleFile(file),
            panel=Panel(Sources.of_system(file.parent, traffic)),
            traffic=traffic,
            wakefulness=wakefulness() if settings.keep_awake else Asleep(),
            note=desktop_note() if settings.notify else NoNote(),
            runs=runs,
            night=night,
        )
    )
