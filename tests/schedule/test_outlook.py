"""What people are told about the next night, with and without a daemon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from schedule_parts import NIGHT, QUIET, decision, minutes

from persona.config import ScheduleSettings
from persona.schedule.outlook import outlook
from persona.schedule.state import ScheduleFile, ScheduleState

TONIGHT = date(2026, 11, 21)
WAITING = ScheduleState().decided(decision(machine=replace(QUIET, idle=minutes(5), on_mains=False)), NIGHT)


def said(folder: Path, state: ScheduleState | None, now: datetime = NIGHT, **settings: Any) -> dict[str, Any]:
    file = ScheduleFile(folder / "schedule.json")
    if state is not None:
        file.write(state)
    return outlook(file.path, ScheduleSettings(**settings), now)


def test_why_not_tonight(tmp_path: Path) -> None:
    """The last decision, since when, and everything that stands against a night."""
    found = said(tmp_path, WAITING)

    assert "waiting, not before" in found["says"]
    assert "idle for 5 min of 30 min; on battery" in found["says"]
    assert ("wait", False, None) == (found["decision"]["kind"], found["silent"], found["last_done"])


@pytest.mark.parametrize(
    ("state", "settings", "words"),
    [
        (None, {}, "no daemon has looked yet"),
        (ScheduleState(), {}, "no daemon has looked yet"),
        (WAITING, {"enabled": False}, "switched off"),
        (WAITING.begun(TONIGHT, NIGHT), {}, "running since"),
        (WAITING.begun(TONIGHT, NIGHT).done_with("promoted", NIGHT), {}, "promoted, night of 2026-11-21"),
        (
            WAITING.begun(TONIGHT, NIGHT).failed("no space", NIGHT),
            {},
            "failed, night of 2026-11-21: no space",
        ),
        (
            WAITING.begun(TONIGHT, NIGHT).skipped("close other programs", NIGHT),
            {},
            "skipped, night of 2026-11-21: close other programs",
        ),
    ],
)
def test_other_nights(
    tmp_path: Path, state: ScheduleState | None, settings: dict[str, Any], words: str
) -> None:
    """Each has its line."""
    assert words in said(tmp_path, state, **settings)["says"]


def test_a_daemon_that_is_gone(tmp_path: Path) -> None:
    """Every night leaves a line, so two days without one mean that nobody looks."""
    assert not said(tmp_path, WAITING, NIGHT + timedelta(hours=49))["silent"]
    found = said(tmp_path, WAITING, NIGHT + timedelta(hours=51))

    assert found["silent"]
    assert "see `persona service status`" in found["says"]


def test_the_last_night_that_was_done(tmp_path: Path) -> None:
    """By its date."""
    state = ScheduleState().begun(TONIGHT, NIGHT).done_with("rejected", NIGHT)

    assert "2026-11-21" == said(tmp_path, state)["last_done"]


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    """Status goes on."""
    (tmp_path / "schedule.json").write_text("{")

    assert "not a schedule" in said(tmp_path, None)["says"]
