"""Circumstances in which a night begins, to be changed one at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from persona.schedule.circumstances import Machine, Needs, Past, Terms
from persona.schedule.policy import Decision, Wait, decide
from persona.schedule.window import Window

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Window.parse("23:00-07:00")
TERMS = Terms(window=WINDOW)
QUIET = Machine(
    idle=timedelta(minutes=45),
    on_mains=True,
    load=0.05,
    free_memory=8 * 10**9,
    free_disk=50 * 10**9,
)
NIGHT = datetime(2026, 11, 22, 1, 0, tzinfo=BERLIN)  # of the night of the 21st
DAY = datetime(2026, 11, 22, 14, 0, tzinfo=BERLIN)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def at(hour: int, minute: int = 0, *, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN)


def decision(now: datetime = NIGHT, **changed: Any) -> Decision:
    """In the middle of a quiet night, but for what is changed."""
    given = {"terms": TERMS, "needs": Needs(), "machine": QUIET, "past": Past(), "zone": BERLIN, **changed}
    zone = given.pop("zone")
    return decide(now.astimezone(UTC), zone, **given)


def against(found: Decision) -> list[str]:
    """The subjects of a Wait, without what was only left out."""
    assert isinstance(found, Wait), found
    return [reason.about for reason in found.reasons if "left out" not in reason.text]
