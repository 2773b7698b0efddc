"""Nights follow each other without gap or overlap, whatever a zone does to its clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.schedule.window import Window

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
)
instants = st.datetimes(
    min_value=datetime(1990, 1, 1), max_value=datetime(2036, 1, 1), timezones=st.just(UTC)
)
windows = st.builds(
    Window, opens=st.times().map(lambda t: t.replace(second=0, microsecond=0)), closes=st.times()
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


def instant(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@given(windows, instants, zones)
def test_every_instant_belongs_to_one_night(window: Window, now: datetime, zone: ZoneInfo) -> None:
    """It lies between the opening of its night and that of the next."""
    night = window.night_of(now, zone)

    assert window.opening(night, zone) <= now < window.opening(night + timedelta(days=1), zone)


@given(windows, instants, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)), zones)
def test_nights_never_go_back(window: Window, now: datetime, later: timedelta, zone: ZoneInfo) -> None:
    """While the clock goes on, so do the dates."""
    assert window.night_of(now, zone) <= window.night_of(now + later, zone)


@given(windows, instants, zones)
def test_hours_lie_in_their_night(window: Window, now: datetime, zone: ZoneInfo) -> None:
    """A window has closed before it opens again."""
    night = window.night_of(now, zone)

    assert window.closing(night, zone) <= window.opening(night + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-11-21T22:59", date(2026, 11, 20)),
        ("2026-11-21T23:00", date(2026, 11, 21)),
        ("2026-11-22T00:30", date(2026, 11, 21)),
        ("2026-11-22T14:00", date(2026, 11, 21)),
    ],
)
def test_the_date_on_which_the_window_opened(now: str, night: date) -> None:
    """It names the night until the window opens again, midnight or not."""
    assert night == Window.parse("23:00-07:00").night_of(instant(now), ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "hours"),
    [("23:00-07:00", 8), ("01:00-05:30", 4.5), ("08:00-08:00", 24), ("00:00-23:59", 23 + 59 / 60)],
)
def test_length_of_a_window(text: str, hours: float) -> None:
    """It closes on the next date when it opens later than it closes; equal times are a whole day."""
    window, zone, night = Window.parse(text), ZoneInfo("UTC"), date(2026, 11, 21)

    assert timedelta(hours=hours) == window.closing(night, zone) - window.opening(night, zone)
    assert text == str(window)


def test_a_time_that_the_clock_skips() -> None:
    """On 2026-03-29 Berlin has no 02:30: the window opens when an unchanged clock would show it."""
    opening = Window.parse("02:30-05:00").opening(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))

    assert instant("2026-03-29T03:30") == opening


def test_a_time_that_the_clock_repeats() -> None:
    """On 2026-10-25 Berlin has 02:30 twice: the first opens, the second closes."""
    zone, night = ZoneInfo("Europe/Berlin"), date(2026, 10, 25)

    assert datetime(2026, 10, 25, 0, 30, tzinfo=UTC) == Window.parse("02:30-05:00").opening(night, zone)
    assert datetime(2026, 10, 25, 1, 30, tzinfo=UTC) == Window.parse("01:00-02:30").closing(night, zone)


def test_a_date_that_never_was() -> None:
    """Apia left out 2011-12-30: that date has no night."""
    window, zone = Window.parse("23:00-07:00"), ZoneInfo("Pacific/Apia")
    start = datetime(2011, 12, 29, tzinfo=UTC)
    nights = {window.night_of(start + timedelta(hours=hour), zone) for hour in range(96)}

    assert date(2011, 12, 30) not in nights
    assert {date(2011, 12, 29), date(2011, 12, 31)} <= nights
