"""What the scheduler remembers survives crashes, stays small, and is nobody else's to read."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from schedule_parts import NIGHT, QUIET, decision, minutes

from persona.errors import Damaged
from persona.schedule.state import ScheduleFile, ScheduleState

TONIGHT = date(2026, 11, 21)
BEGUN = ScheduleState().begun(TONIGHT, NIGHT)


def test_an_attempt_counts_from_its_begin() -> None:
    """Nothing has to happen afterwards for it to be remembered."""
    past = BEGUN.past(TONIGHT)

    assert (1, 0, frozenset()) == (past.attempts, past.yields, past.done)


def test_a_good_end() -> None:
    """The date is done."""
    state = BEGUN.done_with("promoted", NIGHT + minutes(20))

    assert frozenset({TONIGHT}) == state.past(TONIGHT).done
    assert ["begun", "promoted"] == [entry.kind for entry in state.log]


def test_a_failure() -> None:
    """It is an attempt, and when it ended is known."""
    past = BEGUN.failed("no space", NIGHT + minutes(20)).past(TONIGHT)

    assert (1, 0, NIGHT + minutes(20)) == (past.attempts, past.yields, past.last_attempt)


def test_a_night_that_is_skipped() -> None:
    """For its date, with the advice; who asks for it all the same begins anew."""
    state = BEGUN.skipped("close other programs", NIGHT + minutes(20))

    assert "close other programs" == state.past(TONIGHT).skipped
    assert "" == state.past(date(2026, 11, 22)).skipped
    assert "" == state.begun(TONIGHT, NIGHT + minutes(60)).past(TONIGHT).skipped
    assert ["begun", "skipped"] == [entry.kind for entry in state.log]


def test_making_way_is_no_failure() -> None:
    """It is counted apart."""
    past = BEGUN.made_way("someone came", NIGHT + minutes(20)).past(TONIGHT)

    assert (0, 1, NIGHT + minutes(20)) == (past.attempts, past.yields, past.last_attempt)


def test_a_night_that_was_cut_off() -> None:
    """The next process finds it, once, as an attempt that failed."""
    opened = BEGUN.opened(NIGHT + minutes(60))

    assert (1, NIGHT + minutes(60)) == (opened.past(TONIGHT).attempts, opened.past(TONIGHT).last_attempt)
    assert "cut off" in opened.log[-1].reasons[0].text
    assert opened is opened.opened(NIGHT + minutes(70))


def test_the_next_night_has_attempts_of_its_own() -> None:
    """What failed last night is not held against it, but the pause still is."""
    state = BEGUN.failed("no space", NIGHT)
    past = state.past(date(2026, 11, 22))

    assert (0, NIGHT) == (past.attempts, past.last_attempt)
    assert 1 == state.begun(date(2026, 11, 22), NIGHT).past(date(2026, 11, 22)).attempts


def test_only_a_begun_night_ends() -> None:
    """Anything else is a mistake of the caller's."""
    with pytest.raises(ValueError, match="no night was begun"):
        ScheduleState().done_with("promoted", NIGHT)


def test_the_log_holds_changes() -> None:
    """Minutes that count up are no change; another reason, kind or night is."""
    state = ScheduleState()
    for idle in (1, 6, 11):
        state = state.decided(decision(machine=replace(QUIET, idle=minutes(idle))), NIGHT + minutes(idle))
    assert ["wait"] == [entry.kind for entry in state.log]
    assert NIGHT + minutes(1) == state.log[0].at

    state = state.decided(decision(machine=replace(QUIET, on_mains=False)), NIGHT)
    state = state.decided(decision(), NIGHT)
    assert ["wait", "wait", "run"] == [entry.kind for entry in state.log]
    assert state.log[-1] == state.last_decision


def test_nothing_grows_without_end() -> None:
    """Two thousand nights later the file is as small as after four hundred."""
    state = ScheduleState()
    for day in range(2000):
        night = TONIGHT + timedelta(days=day)
        state = state.decided(decision(), NIGHT).begun(night, NIGHT).done_with("rejected", NIGHT)

    assert (400, 100) == (len(state.done), len(state.log))
    assert TONIGHT + timedelta(days=1999) == state.done[-1]


@pytest.fixture
def file(tmp_path: Path) -> ScheduleFile:
    return ScheduleFile(tmp_path / "schedule.json")


def test_it_comes_back_as_it_was(file: ScheduleFile) -> None:
    """Every part of it."""
    waiting = decision(machine=replace(QUIET, idle=minutes(5)))
    state = ScheduleState().decided(waiting, NIGHT).begun(TONIGHT, NIGHT)
    for written in (
        state,
        state.done_with("promoted", NIGHT),
        state.failed("“why”", NIGHT),
        state.skipped("close other programs", NIGHT),
        replace(state, untold="You have a new revision: r7."),
        ScheduleState(),
    ):
        file.write(written)
        assert written == file.read()


def test_a_file_of_an_earlier_version(file: ScheduleFile) -> None:
    """It lacks what came later, and is read all the same."""
    file.write(BEGUN)
    said = json.loads(file.path.read_bytes())
    del said["untold"], said["tonight"]["skipped"]
    file.path.write_text(json.dumps(said))

    assert BEGUN == file.read()


def test_no_file_is_no_past(file: ScheduleFile) -> None:
    """Nothing has been decided yet."""
    assert ScheduleState() == file.read()


def test_it_is_private(file: ScheduleFile) -> None:
    """Whatever the umask."""
    before = os.umask(0)
    try:
        file.write(BEGUN)
    finally:
        os.umask(before)

    assert 0o600 == file.path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"format": 2, "done": [], "tonight": null, "log": []}',
        b'{"format": 1, "done": ["yesterday"], "tonight": null, "log": []}',
        b'{"format": 1, "done": [], "tonight": {"night": "2026-11-21"}, "log": []}',
        b'{"format": 1, "done": [], "tonight": null, "log": [{"at": "2026-11-21T01:00:00"}]}',
    ],
)
def test_a_file_that_is_something_else(file: ScheduleFile, content: bytes) -> None:
    """It is damage with a name, never a state."""
    file.path.write_bytes(content)

    with pytest.raises(Damaged, match="not a schedule"):
        file.read()
    aside = file.set_aside()
    assert (content, 0o600) == (aside.read_bytes(), aside.stat().st_mode & 0o777)


def test_what_the_file_says_is_plain(file: ScheduleFile) -> None:
    """Times carry their zone, so that they mean the same after a journey."""
    file.write(BEGUN)
    said = json.loads(file.path.read_bytes())

    assert {"format", "done", "tonight", "log", "untold"} == set(said)
    assert NIGHT == datetime.fromisoformat(said["tonight"]["begun"])
