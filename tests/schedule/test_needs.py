"""How long a night takes is what nights took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from persona.config import ScheduleSettings
from persona.schedule.circumstances import Needs, Terms
from persona.schedule.window import Window
from store.records import Run, RunState


def run(**costs: Any) -> Run:
    return Run(id="r", started_at=datetime(2026, 11, 1, tzinfo=UTC), state=RunState.REJECTED, costs=costs)


def stage(seconds: float, peak: int = 10**9) -> dict[str, float]:
    return {"seconds": seconds, "peak_bytes": peak}


def test_a_guess_until_something_was_measured() -> None:
    """Nights without training say nothing about those with it."""
    needs = Needs.of([run(), run(distill=stage(2)), run(seconds=60)])

    assert (timedelta(minutes=30), False) == (needs.duration, needs.measured)


def test_a_little_more_than_the_longest() -> None:
    """Stages of a night add up; the largest of them is its memory."""
    needs = Needs.of([
        run(distill=stage(10), train=stage(300, 3 * 10**9), evaluate=stage(90, 2 * 10**9)),
        run(train=stage(100)),
    ])  # fmt: skip

    assert (timedelta(seconds=500), 33 * 10**8, True) == (needs.duration, needs.memory_bytes, needs.measured)


def test_what_was_lost_counts() -> None:
    """A night that ran out of memory twice is likely to do so again, and takes as long."""
    needs = Needs.of([run(train={**stage(100), "lost_seconds": 60.0, "fence": "cgroup v2"})])

    assert timedelta(seconds=200) == needs.duration


def test_only_recent_nights_count() -> None:
    """A machine that became faster is believed after five nights."""
    needs = Needs.of([run(train=stage(9999)), *(run(train=stage(100)) for _ in range(5))])

    assert timedelta(seconds=125) == needs.duration


def test_costs_in_a_form_that_is_not_known() -> None:
    """They are no measure, and no error."""
    needs = Needs.of([run(train=stage(100), total=7, notes={"seconds": "many"})])

    assert timedelta(seconds=125) == needs.duration


def test_terms_are_the_settings() -> None:
    """In units that the policy counts in."""
    terms = Terms.of(
        ScheduleSettings(window="22:00-06:00", idle_minutes=10, min_free_memory_gb=1.5, min_free_disk_gb=0.5)
    )

    assert Window.parse("22:00-06:00") == terms.window
    assert (timedelta(minutes=10), 15 * 10**8, 5 * 10**8) == (
        terms.idle,
        terms.min_free_memory,
        terms.min_free_disk,
    )
    assert Terms(window=Window.parse("23:00-07:00")) == Terms.of(ScheduleSettings())
