"""What a decision rests on: the terms, what a night takes, the machine as it is, and the nights before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import store.records as records
from persona.costs import most, total
from persona.schedule.window import Window

if TYPE_CHECKING:
    from persona.config import ScheduleSettings

_RECENT = 5  # runs; data grows, machines change
_LONGER = 1.25  # than the longest of them: tonight has more to learn from
_LARGER = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A probe without a reading, in words for people."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What was configured. Sizes are bytes; `max_load` is a share of all processors; `retries` come on top
    of the first attempt. `min_free_memory` None: what earlier nights took."""

    window: Window
    idle: timedelta = timedelta(minutes=30)
    long_idle: timedelta = timedelta(minutes=120)
    on_battery: bool = False
    max_load: float = 0.5
    min_free_memory: int | None = None
    min_free_disk: int = 2 * 10**9
    retries: int = 2
    enabled: bool = True

    @classmethod
    def of(cls, settings: ScheduleSettings) -> Terms:
        memory = settings.min_free_memory_gb
        return cls(
            window=Window.parse(settings.window),
            idle=timedelta(minutes=settings.idle_minutes),
            long_idle=timedelta(minutes=settings.long_idle_minutes),
            on_battery=settings.on_battery,
            max_load=settings.max_load,
            min_free_memory=None if memory is None else int(memory * 1e9),
            min_free_disk=int(settings.min_free_disk_gb * 1e9),
            retries=settings.retries,
            enabled=settings.enabled,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a night takes on this machine; a guess until one has trained here."""

    duration: timedelta = timedelta(minutes=30)
    memory_bytes: int = 3 * 10**9
    measured: bool = False

    @classmethod
    def of(cls, runs: Sequence[records.Run]) -> Needs:
        """From the costs of the last runs that trained, oldest first; a little more than the largest."""
        costs = [run.costs for run in runs if "train" in run.costs][-_RECENT:]
        if not costs:
            return cls()
        seconds = max(total(cost, "seconds") + total(cost, "lost_seconds") for cost in costs)
        memory = max(most(cost, "peak_bytes") for cost in costs)
        return cls(
            duration=timedelta(seconds=seconds * _LONGER), memory_bytes=int(memory * _LARGER), measured=True
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """What a night that runs has to know: who is there, and whose power it is."""

    idle: timedelta | Missing
    on_mains: bool | Missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine(Presence):
    """What the probes read. `load` is a share of all processors; sizes are bytes."""

    load: float | Missing
    free_memory: int | Missing
    free_disk: int | Missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """`done` are the dates of nights that came to an end of any good kind. The rest is about the night of
    now: attempts that failed, attempts that made way to a person, when the last one ended, and why there is
    to be no other, if so."""

    done: frozenset[date] = frozenset()
    attempts: int = 0
    yields: int = 0
    last_attempt: datetime | None = None
    skipped: str = ""
