"""The clock begins nights when the policy says so, puts them on record first, and stays out of the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from schedule_parts import BERLIN, DAY, NIGHT, QUIET, TERMS, at, minutes

from adapters.errors import WriteFailed
from persona.child import following
from persona.errors import Busy, ChildFailed, NightRuns, OutOfMemory, Yielded
from persona.schedule import lookout
from persona.schedule.circumstances import Machine, Missing
from persona.schedule.clock import NightClock, Parts
from persona.schedule.leash import Leash
from persona.schedule.probes.traffic import OwnTraffic
from persona.schedule.state import ScheduleFile, ScheduleState
from store.records import Run, RunState

TONIGHT = date(2026, 11, 21)
PATIENCE = 10.0


@dataclass(frozen=True)
class End:
    outcome: str = "promoted"
    revision: str | None = "r7"
    reasons: tuple[str, ...] = ("“Answer shortly.”: so it is",)


@dataclass
class World:
    """A machine, a person and a night, all as the test says. It is its own panel, note and wakefulness."""

    folder: Path
    machine: Machine = QUIET
    time: datetime = NIGHT
    runs: list[Run] = field(default_factory=list)
    works: Callable[[Leash], Any] = lambda leash: End()
    nights: list[Leash] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    awake: bool = False
    terms: Any = TERMS
    seconds: float = 0.0

    def read(self) -> Machine:
        return self.machine

    glance = read

    def show(self, text: str) -> Missing | None:
        self.notes.append(text)
        return None

    def hold(self) -> None:
        self.awake = True

    def let_go(self) -> None:
        self.awake = False

    def work(self, leash: Leash) -> Any:
        self.nights.append(leash)
        return self.works(leash)

    @property
    def file(self) -> ScheduleFile:
        return ScheduleFile(self.folder / "schedule.json")

    def clock(self) -> NightClock:
        """Opened, not ticking by itself."""
        clock = NightClock(
            Parts(
                terms=self.terms,
                presence=60.0,
                file=self.file,
                panel=self,  # type: ignore[arg-type]
                traffic=OwnTraffic(lambda: self.seconds),
                wakefulness=self,
                note=self,
                runs=lambda: self.runs,
                night=self.work,
                now=lambda: self.time.astimezone(UTC),
                zone=lambda: BERLIN,
            )
        )
        clock._open()
        return clock


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ended(clock: NightClock) -> None:
    """Wait for the night that a tick began."""
    assert clock._worker is not None
    clock._worker.join(PATIENCE)
    assert not clock._worker.is_alive()


def leash_of(world: World) -> Leash:
    """Of the night that was begun last, once its thread has."""
    waited = threading.Event()
    for _ in range(1000):
        if world.nights:
            break
        waited.wait(0.01)
    return world.nights[-1]


def kinds(world: World) -> list[str]:
    return [entry.kind for entry in world.file.read().log]


def test_a_night_begins_and_is_on_record(world: World) -> None:
    """Once for its date, however often the clock ticks."""
    clock = world.clock()
    for _ in range(3):
        clock.tick()
        ended(clock)
    world.time += timedelta(hours=14)
    clock.tick()

    assert 1 == len(world.nights)
    assert (TONIGHT,) == world.file.read().done
    assert ["run", "begun", "promoted", "wait"] == kinds(world)


def test_why_not_is_on_record(world: World) -> None:
    """For a status that is asked when no daemon runs."""
    world.machine = replace(QUIET, on_mains=False)
    world.clock().tick()

    last = world.file.read().last_decision
    assert last is not None
    assert ("wait", "on battery") == (last.kind, last.reasons[0].text)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (RuntimeError("I told you about my mother"), "RuntimeError"),
        (ChildFailed("train", "KeyError: 'my mother'", Path("runs/1/train.log")), "see runs/1/train.log"),
    ],
)
def test_the_record_quotes_nobody(world: World, error: Exception, kept: str) -> None:
    """Reasons of a verdict hold what the person prefers, and errors what they said: both stay where
    forgetting finds them."""

    def broken(leash: Leash) -> End:
        raise error

    clock = world.clock()
    clock.tick()
    ended(clock)
    world.time += timedelta(days=1)
    world.works = broken
    clock.tick()
    ended(clock)

    written = world.file.path.read_text()
    assert kept in written
    assert "shortly" not in written
    assert "mother" not in written


def test_it_is_on_record_before_it_begins(world: World) -> None:
    """The night itself sees it there."""
    seen: list[ScheduleState] = []

    def work(leash: Leash) -> End:
        seen.append(world.file.read())
        return End()

    world.works = work
    clock = world.clock()
    clock.tick()
    ended(clock)

    assert [1] == [state.past(TONIGHT).attempts for state in seen]
    assert seen[0].tonight is not None
    assert NIGHT == seen[0].tonight.begun


def test_no_night_without_a_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps it from beginning: a crash could begin it again and again."""
    clock = world.clock()

    def full(self: ScheduleFile, state: ScheduleState) -> None:
        raise WriteFailed(self.path, OSError(28, "No space left on device"))

    monkeypatch.setattr(ScheduleFile, "write", full)
    with pytest.raises(WriteFailed):
        clock.tick()

    assert [] == world.nights
    assert not clock.status()["running"]


@pytest.mark.parametrize(
    ("error", "kind", "attempts", "yields"),
    [
        (ChildFailed("train", "it was ended by SIGKILL", Path("train.log")), "failed", 1, 0),
        (RuntimeError("a bug"), "failed", 1, 0),
        (KeyboardInterrupt(), "made_way", 0, 1),
        (Yielded("train"), "made_way", 0, 1),
        (Busy(Path("home")), "made_way", 0, 1),
    ],
)
def test_nights_that_do_not_end_well(
    world: World, error: BaseException, kind: str, attempts: int, yields: int
) -> None:
    """A failure counts; making way is counted apart; either is tried again, later."""

    def fail(leash: Leash) -> End:
        raise error

    world.works = fail
    clock = world.clock()
    clock.tick()
    ended(clock)
    past = world.file.read().past(TONIGHT)
    assert (kind, attempts, yields) == (kinds(world)[-1], past.attempts, past.yields)

    clock.tick()
    assert 1 == len(world.nights)
    world.time += minutes(31)
    clock.tick()
    ended(clock)
    assert 2 == len(world.nights)


def test_failures_end(world: World) -> None:
    """Three attempts a night, and a note for the person when someone is there."""

    def fail(leash: Leash) -> End:
        raise ChildFailed("train", "it failed", Path("train.log"))

    world.works = fail
    clock = world.clock()
    for _ in range(20):
        clock.tick()
        if clock._worker is not None:
            ended(clock)
        world.time += minutes(31)

    assert 3 == len(world.nights)
    assert [] == world.notes
    world.machine = replace(QUIET, idle=minutes(1))
    clock.tick()
    clock.tick()
    assert ["The night failed. `persona status` says why."] == world.notes


def test_memory_that_ran_out_in_every_try(world: World) -> None:
    """The night is skipped, not begun again, and both the record and a note say what to do; the next night
    is tried."""

    def fail(leash: Leash) -> End:
        raise OutOfMemory("train", "my mother", Path("train.log")).after(3)

    world.works = fail
    clock = world.clock()
    clock.tick()
    ended(clock)
    for _ in range(5):
        world.time += minutes(31)
        clock.tick()

    assert 1 == len(world.nights)
    assert ["run", "begun", "skipped", "wait"] == kinds(world)
    said = world.file.read().log[-1].reasons[0].text
    assert "memory ran out 3 times: close other programs, raise train.memory_gb" in said
    assert "mother" not in world.file.path.read_text()
    world.machine = replace(QUIET, idle=minutes(1))
    clock.tick()
    assert ["The night was skipped: it ran out of memory. `persona status` says what to do."] == world.notes
    world.machine = QUIET
    world.time += timedelta(days=1)
    clock.tick()
    ended(clock)
    assert 2 == len(world.nights)


def test_a_crash_in_the_middle(world: World) -> None:
    """A new process counts it as an attempt and tries again after the pause."""
    world.file.write(ScheduleState().begun(TONIGHT, NIGHT - minutes(5)))
    clock = world.clock()
    clock.tick()
    assert [] == world.nights

    world.time += minutes(31)
    clock.tick()
    ended(clock)
    assert (TONIGHT,) == world.file.read().done


@pytest.mark.parametrize(
    ("state", "hours_ago", "begins"),
    [
        (RunState.PROMOTED, 1, False),
        (RunState.NOTHING_TO_LEARN, 1, False),
        (RunState.FAILED, 1, True),
        (RunState.STARTED, 1, True),
        (RunState.PROMOTED, 30, True),
    ],
)
def test_runs_that_are_not_on_record(world: World, state: RunState, hours_ago: float, begins: bool) -> None:
    """A night that someone ran by hand, or whose end met a power cut, is not run again."""
    world.runs = [Run(id="run-1", started_at=NIGHT - timedelta(hours=hours_ago), state=state)]
    clock = world.clock()
    clock.tick()

    assert begins is bool(clock._worker)


def test_a_damaged_record(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept aside, said, and does not keep persona from learning."""
    world.file.path.write_bytes(b"{")
    clock = world.clock()
    clock.tick()
    ended(clock)

    assert "not a schedule" in caplog.text
    assert b"{" == world.file.path.with_name("schedule.json.damaged").read_bytes()
    assert (TONIGHT,) == world.file.read().done


def test_no_second_night_beside_the_first(world: World) -> None:
    """However long it lasts."""
    hold = threading.Event()

    def work(leash: Leash) -> End:
        hold.wait(PATIENCE)
        return End()

    world.works = work
    clock = world.clock()
    clock.tick()
    world.time += timedelta(days=2)
    clock.tick()
    assert clock.status()["running"]
    hold.set()
    ended(clock)

    assert 1 == len(world.nights)
    assert (TONIGHT,) == world.file.read().done


@pytest.fixture
def running(world: World) -> Iterator[tuple[World, NightClock, Leash]]:
    """A night that goes on until it is told to end."""
    begun = threading.Event()

    def work(leash: Leash) -> End:
        begun.set()
        if not leash.cancel.wait(PATIENCE):
            return End()
        raise KeyboardInterrupt

    world.works = work
    clock = world.clock()
    world.seconds += 3600  # since someone started the daemon
    clock.tick()
    assert begun.wait(PATIENCE)
    yield world, clock, world.nights[0]
    clock.stop()


Running = tuple[World, NightClock, Leash]


def test_a_running_night_knows_who_is_there(running: Running) -> None:
    """From the next look on; and of a request to persona at once."""
    world, clock, leash = running
    assert leash.idle_seconds() >= 2700

    world.machine = replace(QUIET, idle=timedelta(seconds=4))
    clock.watch()
    assert 4 <= leash.idle_seconds() < 10

    world.machine = QUIET
    clock.watch()
    assert leash.idle_seconds() >= 2700
    clock.traffic.touch()
    assert 0 == leash.idle_seconds()


def test_somebody_looks_without_being_told(running: Running) -> None:
    """While a night runs, every second: a person waits for two at most, the child's own look included."""
    world, _, leash = running
    world.machine = replace(QUIET, idle=timedelta(seconds=4))
    waited = threading.Event()
    for _ in range(200):
        if leash.idle_seconds() < 60:
            break
        waited.wait(0.05)

    assert leash.idle_seconds() < 60
    assert lookout.EVERY + following._POLL_SECONDS < 2


def test_a_look_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; the next one comes."""
    looked = threading.Semaphore(0)

    def look() -> None:
        looked.release()
        raise RuntimeError("a bug in a probe")

    watching = lookout.Lookout(look, every=0.01)
    watching.start()
    assert all(looked.acquire(timeout=PATIENCE) for _ in range(3))
    watching.stop()
    watching._thread.join(PATIENCE)

    assert not watching._thread.is_alive()
    assert 1 == caplog.text.count("who is there cannot be seen")


def test_a_cable_that_is_pulled(running: Running) -> None:
    """The battery wants the machine for itself."""
    world, clock, leash = running
    world.machine = replace(QUIET, on_mains=False)
    clock.watch()

    assert 0 == leash.idle_seconds()
    assert not leash.cancel.is_set()


def test_no_waiting_is_not_no_manners(world: World) -> None:
    """A night that need not wait for quiet to begin makes way all the same."""
    world.terms = replace(TERMS, idle=timedelta(0))
    world.machine = replace(QUIET, idle=timedelta(seconds=4))

    def work(leash: Leash) -> End:
        leash.cancel.wait(PATIENCE)
        return End()

    world.works = work
    clock = world.clock()
    world.seconds += 3600
    clock.tick()
    leash = leash_of(world)
    assert 4 <= leash.idle_seconds() < 10

    clock.traffic.touch()
    assert 0 == leash.idle_seconds()
    clock.stop()


def test_whoever_asks_for_a_night_is_no_reason_to_wait(world: World) -> None:
    """It begins by day and beside a person, and makes way to requests alone; its date is done."""
    world.time = DAY
    world.machine = replace(QUIET, idle=timedelta(seconds=4))
    go_on = threading.Event()

    def work(leash: Leash) -> End:
        go_on.wait(PATIENCE)
        return End()

    world.works = work
    clock = world.clock()
    world.seconds += 3600  # since someone started the daemon
    clock.ask()
    with pytest.raises(NightRuns):
        clock.ask()
    leash = leash_of(world)
    clock.watch()
    assert 3600 == leash.idle_seconds()
    clock.traffic.touch()
    assert 0 == leash.idle_seconds()

    go_on.set()
    ended(clock)
    assert ["begun", "promoted"] == kinds(world)
    assert (TONIGHT,) == world.file.read().done


def test_someone_who_stays_ends_the_night(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that stands still holds memory; after a while it gives it back, and is no failure."""
    world, clock, _ = running
    monkeypatch.setattr("persona.schedule.clock._PATIENCE", 0.0)
    world.machine = replace(QUIET, idle=timedelta(seconds=4))
    clock.watch()
    ended(clock)

    assert "made_way" == kinds(world)[-1]


def test_the_machine_is_kept_awake_for_a_night(running: Running) -> None:
    """Not while someone is there, who may send it to sleep; and not after it."""
    world, clock, leash = running
    assert world.awake

    world.machine = replace(QUIET, idle=timedelta(seconds=4))
    clock.watch()
    assert not world.awake
    world.machine = QUIET
    clock.watch()
    assert world.awake

    leash.cancel.set()
    ended(clock)
    assert not world.awake


def test_a_shutdown(running: Running) -> None:
    """The night ends soon, its record says so, and stopping again is nothing."""
    world, clock, _ = running
    clock.stop()

    assert "made_way" == kinds(world)[-1]
    assert 0 == world.file.read().past(TONIGHT).attempts
    clock.stop()


def test_awake_while_only_quiet_is_missing(world: World) -> None:
    """And no longer than that."""
    world.machine = replace(QUIET, idle=minutes(2))
    clock = world.clock()
    clock.tick()
    assert world.awake

    world.machine = replace(world.machine, on_mains=False)
    clock.tick()
    assert not world.awake


def test_the_note_waits_for_someone(world: World) -> None:
    """Once, when somebody is there to read it; it names the revision and quotes nothing."""
    clock = world.clock()
    clock.tick()
    ended(clock)
    clock.tick()
    assert [] == world.notes

    world.machine = replace(QUIET, idle=minutes(1))
    clock.tick()
    clock.tick()
    assert ["You have a new revision: r7. `persona morning` says what changed."] == world.notes


def test_the_note_outlives_the_daemon(world: World) -> None:
    """A laptop that is shut down before anyone was there shows it after its next start."""
    first = world.clock()
    first.tick()
    ended(first)
    again = world.clock()
    world.machine = replace(QUIET, idle=minutes(1))
    again.tick()
    world.clock().tick()

    assert ["You have a new revision: r7. `persona morning` says what changed."] == world.notes


def test_a_refusal_is_news(world: World) -> None:
    """What was learnt and not used, and where it says why."""
    world.works = lambda leash: End(outcome="rejected")
    clock = world.clock()
    clock.tick()
    ended(clock)
    world.machine = replace(QUIET, idle=minutes(1))
    clock.tick()

    assert ["r7 was no better and is not used. `persona morning` says why."] == world.notes


def test_no_note_about_nothing(world: World) -> None:
    """A night that found nothing to learn is no news."""
    world.works = lambda leash: End(outcome="nothing_to_learn", revision=None)
    clock = world.clock()
    clock.tick()
    ended(clock)
    world.machine = replace(QUIET, idle=minutes(1))
    clock.tick()

    assert [] == world.notes
    assert (TONIGHT,) == world.file.read().done


def test_status(world: World) -> None:
    """Before the first look, and after it."""
    world.time = DAY
    clock = world.clock()
    assert (False, None, None) == (
        clock.status()["running"],
        clock.status()["decision"],
        clock.status()["last_done"],
    )

    clock.tick()
    status = clock.status()
    assert ("wait", "23:00-07:00") == (status["decision"]["kind"], status["window"])
    assert at(15, 15) == datetime.fromisoformat(status["decision"]["until"])


def test_it_ticks_by_itself(world: World) -> None:
    """From the start, at once."""
    ticked = threading.Semaphore(0)

    class Watched(World):
        def read(self) -> Machine:
            ticked.release()
            return self.machine

    watched = Watched(world.folder, time=DAY)
    clock = watched.clock()
    clock.start()
    try:
        assert ticked.acquire(timeout=PATIENCE)
    finally:
        clock.stop()
    assert {"failed": 0, "missed": 0, "overtaken": 0} == clock.status()["ticks"]
