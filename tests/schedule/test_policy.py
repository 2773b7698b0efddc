"""The decision: when a night begins, and in so many words why not."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schedule_parts import BERLIN, DAY, NIGHT, QUIET, TERMS, against, at, decision, minutes

from persona.schedule.circumstances import Machine, Missing, Needs, Past
from persona.schedule.policy import CatchUp, Run, Wait, quiet_seconds
from persona.schedule.window import Window

NO_PROBE = Missing(reason="no probe")
TONIGHT = date(2026, 11, 21)


def test_a_quiet_night_begins() -> None:
    """In the hours, with nobody there for long enough, on mains: with all that spoke for it."""
    found = decision()

    assert isinstance(found, Run)
    assert TONIGHT == found.night
    assert ["hours", "idle", "power", "load", "memory", "disk"] == [reason.about for reason in found.reasons]


@pytest.mark.parametrize(
    ("changed", "about", "words"),
    [
        ({"idle": minutes(29)}, "idle", "idle for 29 min of 30 min"),
        ({"on_mains": False}, "power", "on battery"),
        ({"load": 0.51}, "load", "load 0.51, 0.50 is allowed"),
        ({"free_memory": 2 * 10**9}, "memory", "2.0 GB of memory free, 3.0 GB needed"),
        ({"free_disk": 10**9}, "disk", "1.0 GB of disk free, 2.0 GB needed"),
    ],
)
def test_each_thing_that_stands_against_it(changed: dict[str, Any], about: str, words: str) -> None:
    """One is enough, and it is named with its measure."""
    found = decision(machine=replace(QUIET, **changed))

    assert [about] == against(found)
    assert words == found.reasons[0].text


@pytest.mark.parametrize(
    ("changed", "terms"),
    [
        ({"on_mains": False}, {"on_battery": True}),
        ({"load": 0.9}, {"max_load": 1.0}),
        ({"free_memory": 10**9}, {"min_free_memory": 5 * 10**8}),
        ({"free_disk": 10**9}, {"min_free_disk": 10**8}),
        ({"idle": minutes(5)}, {"idle": minutes(5)}),
        ({"idle": minutes(0)}, {"idle": minutes(0)}),
    ],
)
def test_terms_allow(changed: dict[str, Any], terms: dict[str, Any]) -> None:
    """Each limit is the settings' to move."""
    found = decision(machine=replace(QUIET, **changed), terms=replace(TERMS, **terms))

    assert isinstance(found, Run)


def test_all_that_stands_against_it_is_said() -> None:
    """Not just the first."""
    found = decision(DAY, machine=replace(QUIET, on_mains=False, load=3.0))

    assert ["hours", "idle", "power", "load"] == against(found)


@pytest.mark.parametrize("now", [NIGHT, DAY])
def test_idle_for_long_is_enough_at_any_hour(now: datetime) -> None:
    """By day it is a catch-up."""
    found = decision(now, machine=replace(QUIET, idle=minutes(120)))

    assert isinstance(found, Run if now is NIGHT else CatchUp)
    assert TONIGHT == found.night


@pytest.mark.parametrize("quantity", ["idle", "on_mains", "load", "free_memory", "free_disk"])
def test_a_missing_probe_is_left_out_and_said(quantity: str) -> None:
    """The night begins without it."""
    found = decision(machine=replace(QUIET, **{quantity: NO_PROBE}))

    assert isinstance(found, Run)
    assert ["no probe"] == [r.text.split(": ")[1] for r in found.reasons if "left out" in r.text]


def test_without_any_probe_the_hours_decide() -> None:
    """In them a night begins, outside it does not."""
    blind = Machine(idle=NO_PROBE, on_mains=NO_PROBE, load=NO_PROBE, free_memory=NO_PROBE, free_disk=NO_PROBE)

    assert isinstance(decision(machine=blind), Run)
    found = decision(DAY, machine=blind)
    assert ["hours"] == against(found)
    assert isinstance(found, Wait)
    assert at(23) == found.until


def test_a_night_that_does_not_fit_any_more() -> None:
    """At 06:40 twenty minutes are left: only a long idle time begins it now."""
    short = decision(at(6, 40), needs=Needs(duration=minutes(25), measured=True))

    assert ["hours", "idle"] == against(short)
    assert "20 min are left of 23:00-07:00, a night takes about 25 min" == short.reasons[0].text
    assert isinstance(decision(at(6, 30), needs=Needs(duration=minutes(25), measured=True)), Run)
    assert isinstance(decision(at(6, 40), machine=replace(QUIET, idle=minutes(150))), Run)


def test_a_window_that_is_too_short_does_not_open() -> None:
    """It says so, and what to do."""
    terms = replace(TERMS, window=Window.parse("01:00-01:15"))
    found = decision(at(1, 1), terms=terms, needs=Needs(duration=minutes(40), measured=True))

    assert ["hours", "idle"] == against(found)
    assert "too short for a night of about 40 min: widen [schedule] window" in found.reasons[0].text
    long = decision(at(1, 1), terms=terms, machine=replace(QUIET, idle=minutes(121)))
    assert isinstance(long, Run)


def test_once_a_date() -> None:
    """A night that is done waits for the next one, whatever the machine does."""
    found = decision(past=Past(done=frozenset({TONIGHT})))

    assert isinstance(found, Wait)
    assert (["night"], at(23)) == (against(found), found.until)
    assert isinstance(decision(at(23, 5), past=Past(done=frozenset({TONIGHT}))), Run)


def test_missed_nights_are_one_catch_up() -> None:
    """Five nights asleep: one night begins, for the date of now, and says how many it stands for."""
    found = decision(past=Past(done=frozenset({date(2026, 11, 15)})))

    assert isinstance(found, CatchUp)
    assert (TONIGHT, 5) == (found.night, found.missed)
    after = Past(done=frozenset({date(2026, 11, 15), TONIGHT}))
    assert isinstance(decision(past=after), Wait)


def test_nothing_was_missed_before_the_first_night() -> None:
    """The first ever stands for itself."""
    assert isinstance(decision(past=Past()), Run)


def test_a_clock_set_back_does_not_run_a_date_again() -> None:
    """Back into a night that is done: it stays done; and dates from a wrong future block nothing else."""
    done = frozenset({TONIGHT, date(2026, 11, 22), date(2090, 1, 1)})

    assert isinstance(decision(NIGHT, past=Past(done=done)), Wait)
    assert isinstance(decision(at(23, 30, day=23), past=Past(done=done)), Run)


def test_a_failed_night_is_tried_again_later() -> None:
    """Not within half an hour."""
    failed = Past(attempts=1, last_attempt=NIGHT - minutes(10))
    found = decision(past=failed)

    assert isinstance(found, Wait)
    assert (["pause"], NIGHT + minutes(20)) == (against(found), found.until)
    assert isinstance(decision(NIGHT + minutes(20), past=failed), Run)


def test_a_failed_night_is_given_up() -> None:
    """After its retries, until the next night."""
    allowed = Past(attempts=2, last_attempt=NIGHT - minutes(60))
    spent = replace(allowed, attempts=3)

    assert isinstance(decision(past=allowed), Run)
    found = decision(past=spent)
    assert isinstance(found, Wait)
    assert (["attempts"], at(23)) == (against(found), found.until)


def test_a_night_that_is_skipped() -> None:
    """Another attempt would fail as the last one did: the advice is the reason, until the next night."""
    found = decision(past=Past(attempts=1, skipped="memory ran out 3 times: close other programs"))

    assert isinstance(found, Wait)
    assert (["attempts"], at(23)) == (against(found), found.until)
    assert "skipped: memory ran out 3 times: close other programs" in found.reasons[0].text


def test_a_night_that_made_way_again_and_again_is_given_up() -> None:
    """It is bounded too."""
    assert isinstance(decision(past=Past(yields=5)), Run)
    assert ["attempts"] == against(decision(past=Past(yields=6)))


def test_an_attempt_in_the_future_delays_nothing() -> None:
    """A clock that was wrong wrote it."""
    assert isinstance(decision(past=Past(attempts=1, last_attempt=NIGHT + timedelta(days=900))), Run)


def test_switched_off() -> None:
    """No night begins."""
    assert ["settings"] == against(decision(terms=replace(TERMS, enabled=False)))


@pytest.mark.parametrize(
    ("now", "idle", "until"),
    [
        (NIGHT, 10, NIGHT + minutes(20)),  # in the hours: the rest of the short time
        (DAY, 10, DAY + minutes(110)),  # by day: the rest of the long time
        (at(22, 30), 5, at(23)),  # the window opens sooner than that
        (at(22, 50), 5, at(23, 15)),  # but the short time is not over then
        (at(6, 28), 25, at(8, 3)),  # a night would not fit any more
    ],
)
def test_the_earliest_time(now: datetime, idle: float, until: datetime) -> None:
    """If nobody touches the machine, the next decision at `until` is another one, and none before is."""
    machine = replace(QUIET, idle=minutes(idle))
    found = decision(now, machine=machine)

    assert isinstance(found, Wait)
    assert until == found.until
    later = replace(machine, idle=minutes(idle) + (until - now))
    assert not isinstance(decision(until, machine=later), Wait)
    before = replace(machine, idle=minutes(idle - 1) + (until - now))
    assert isinstance(decision(until - minutes(1), machine=before), Wait)


@pytest.mark.parametrize(
    ("now", "changed", "done", "awake"),
    [
        (NIGHT, {"idle": minutes(3)}, date(2026, 11, 20), True),
        (NIGHT, {"idle": minutes(3), "on_mains": False}, date(2026, 11, 20), False),
        (NIGHT, {"idle": minutes(3), "on_mains": NO_PROBE}, date(2026, 11, 20), False),
        (NIGHT, {"idle": minutes(3), "free_disk": 0}, date(2026, 11, 20), False),
        (NIGHT, {"idle": minutes(3)}, TONIGHT, False),
        (DAY, {"idle": minutes(3)}, date(2026, 11, 20), False),
        (DAY, {"idle": minutes(3)}, date(2026, 11, 18), True),
    ],
)
def test_what_is_worth_staying_awake_for(
    now: datetime, changed: dict[str, Any], done: date, awake: bool
) -> None:
    """On mains, when only quiet is missing: in the hours, and by day once two nights were missed."""
    found = decision(now, machine=replace(QUIET, **changed), past=Past(done=frozenset({done})))

    assert isinstance(found, Wait)
    assert awake is found.keep_awake


@pytest.mark.parametrize(
    ("changed", "terms", "seconds"),
    [
        ({"idle": minutes(2)}, {}, 120.0),
        ({"on_mains": False}, {}, 0.0),
        ({"on_mains": False, "idle": minutes(2)}, {"on_battery": True}, 120.0),
        ({"on_mains": NO_PROBE, "idle": minutes(2)}, {}, 120.0),
        ({"idle": NO_PROBE}, {}, math.inf),
        ({"idle": minutes(0)}, {"idle": minutes(0)}, 0.0),
    ],
)
def test_quiet_for_a_night_that_runs(changed: dict[str, Any], terms: dict[str, Any], seconds: float) -> None:
    """A person or a battery wants the machine, also where a night need not wait for quiet to begin."""
    assert seconds == quiet_seconds(replace(TERMS, **terms), replace(QUIET, **changed))


machines = st.builds(
    Machine,
    idle=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2)) | st.just(NO_PROBE),
    on_mains=st.booleans() | st.just(NO_PROBE),
    load=st.floats(min_value=0, max_value=4) | st.just(NO_PROBE),
    free_memory=st.integers(min_value=0, max_value=10**11) | st.just(NO_PROBE),
    free_disk=st.integers(min_value=0, max_value=10**12) | st.just(NO_PROBE),
)
instants = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)
)
zones = st.sampled_from(("Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York")).map(
    ZoneInfo
)
pasts = st.builds(
    Past,
    done=st.frozensets(st.dates(min_value=date(2019, 12, 1), max_value=date(2030, 2, 1)), max_size=5),
    attempts=st.integers(min_value=0, max_value=5),
    yields=st.integers(min_value=0, max_value=8),
    last_attempt=st.none() | instants,
)


@given(instants, zones, machines, pasts, st.timedeltas(min_value=minutes(1), max_value=minutes(600)))
def test_whatever_happens(
    now: datetime, zone: ZoneInfo, machine: Machine, past: Past, needed: timedelta
) -> None:
    """A night never begins twice, beside a person, on a battery, or without end; and it always says why."""
    found = decision(now, zone=zone, machine=machine, past=past, needs=Needs(duration=needed, measured=True))

    assert found.reasons
    assert TERMS.window.night_of(now, zone) == found.night
    if isinstance(found, Wait):
        assert found.until is None or found.until > now
        return
    assert found.night not in past.done
    assert past.attempts <= TERMS.retries
    assert machine.on_mains is not False
    assert isinstance(machine.idle, Missing) or machine.idle >= TERMS.idle
    if isinstance(machine.idle, Missing) or machine.idle < TERMS.long_idle:
        assert now + needed <= TERMS.window.closing(found.night, zone)
    if isinstance(found, Run):
        assert now < TERMS.window.closing(found.night, zone)


@given(instants, zones, pasts)
def test_a_night_that_is_possible_begins(now: datetime, zone: ZoneInfo, past: Past) -> None:
    """On a machine that nobody has wanted for a day, all that can hold it up is the record."""
    machine = replace(QUIET, idle=timedelta(days=1))
    rested = past.last_attempt is None or not timedelta(0) <= now - past.last_attempt < minutes(30)
    night = TERMS.window.night_of(now, zone)
    possible = night not in past.done and past.attempts <= TERMS.retries and past.yields < 6 and rested

    assert possible is not isinstance(decision(now, zone=zone, machine=machine, past=past), Wait)


def test_berlin_is_where_these_tests_are() -> None:
    """The zone decides what the same instant is."""
    assert isinstance(decision(at(23, 30), zone=BERLIN), Run)
    assert isinstance(decision(at(23, 30), zone=ZoneInfo("America/Los_Angeles")), Wait)
