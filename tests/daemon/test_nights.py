"""The daemon's nights: begun by the clock or because someone asks, told to its clients, ended with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from daemon_parts import House, eventually, publish

from persona.daemon.nights import Nights
from persona.errors import ChildFailed, NightRuns
from persona.schedule.probes import OwnTraffic
from persona.schedule.state import Entry, ScheduleFile
from store import Store
from store.records import Run, RunState

PATIENCE = 20.0
# A whole day with the present in its middle: in the last minutes of a window no night begins.
_OPENS = f"{datetime.now() - timedelta(hours=12):%H:%M}"  # the machine's own clock, as it shows
ALWAYS = {
    "PERSONA_SCHEDULE__WINDOW": f"{_OPENS}-{_OPENS}",
    "PERSONA_SCHEDULE__IDLE_MINUTES": "0",
    "PERSONA_SCHEDULE__ON_BATTERY": "true",
    "PERSONA_SCHEDULE__MAX_LOAD": "10000",
    "PERSONA_SCHEDULE__MIN_FREE_MEMORY_GB": "0",
    "PERSONA_SCHEDULE__MIN_FREE_DISK_GB": "0",
    "PERSONA_SCHEDULE__KEEP_AWAKE": "false",
    "PERSONA_SCHEDULE__NOTIFY": "false",
}
NEVER = {**ALWAYS, "PERSONA_SCHEDULE__ENABLED": "false"}


@dataclass
class Home:
    """A house whose nights the test scripts, with what was told of them."""

    house: House
    nights: Nights = field(init=False)
    works: Any = None
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    given: list[dict[str, Any]] = field(default_factory=list)
    leased: tuple[str, ...] = ()
    begun: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    traffic: OwnTraffic = field(default_factory=OwnTraffic)

    def open(self) -> Nights:
        self.house.night = self.night
        self.nights = Nights(
            self.house.persona, tell=self.tell, traffic=self.traffic, leased=lambda: self.leased
        )
        return self.nights

    def night(self, on_progress: Any, **given: Any) -> Any:
        self.given.append(given)
        on_progress({"step": "train", "done": 1, "total": 3})
        self.begun.set()
        if self.works:
            self.works(given)
        return SimpleNamespace(
            run="run-7", outcome=RunState.PROMOTED, revision="r7", reasons=("it is better",)
        )

    def tell(self, kind: str, data: Any) -> None:
        self.told.append((kind, dict(data)))
        if data["state"] in ("ended", "failed"):
            self.ended.set()

    def store(self) -> Store:
        return Store.open(self.house.persona().paths.store)

    @property
    def log(self) -> tuple[Entry, ...]:
        return ScheduleFile(self.house.persona().paths.schedule).read().log

    def last_kind(self) -> str:
        """Once no night goes on."""
        assert eventually(lambda: not self.nights.state()["running"])
        return self.log[-1].kind


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    house = House(tmp_path, environ=ALWAYS)
    house.create()
    home = Home(house)
    yield home
    home.nights.close()


def test_a_night_comes_by_itself(home: Home) -> None:
    """It gets the leash, its progress and end are told, and its date is done."""
    home.open().come_by_themselves()
    assert home.ended.wait(PATIENCE)

    assert ["started", "running", "ended"] == [data["state"] for _, data in home.told]
    assert ("promoted", "r7", ["it is better"]) == tuple(
        home.told[-1][1][name] for name in ("outcome", "revision", "reasons")
    )
    assert {"cancel", "idle_seconds"} == set(home.given[0])
    assert "promoted" == home.last_kind()


def test_the_store_says_what_was_done(home: Home) -> None:
    """A night that was run by hand an hour ago is not run again."""
    now = datetime.now(UTC)
    with home.store() as store:
        store.runs.start(Run(id="run-1", started_at=now - timedelta(seconds=9), state=RunState.STARTED))
        store.runs.finish("run-1", state=RunState.REJECTED, ended_at=now)
    home.open().come_by_themselves()

    assert eventually(lambda: home.nights.state()["decision"] is not None, within=PATIENCE)
    assert [] == home.given
    assert "wait" == home.last_kind()


def test_a_failure_is_told(home: Home) -> None:
    """And on record."""

    def fail(given: Any) -> None:
        raise ChildFailed("train", "it was ended by SIGKILL", Path("train.log"))

    home.works = fail
    home.open().come_by_themselves()
    assert home.ended.wait(PATIENCE)

    assert ("failed", 7) == (home.told[-1][1]["state"], home.told[-1][1]["exit_code"])
    assert "SIGKILL" in home.told[-1][1]["why"]
    assert "failed" == home.last_kind()


def waits(given: Any) -> None:
    assert given["cancel"].wait(PATIENCE)
    raise KeyboardInterrupt


def test_the_daemon_ends_in_the_middle(home: Home) -> None:
    """The night makes way, within seconds."""
    home.works = waits
    nights = home.open()
    nights.come_by_themselves()
    assert home.begun.wait(PATIENCE)
    nights.close()

    assert "made_way" == home.last_kind()


def test_a_night_that_is_asked_for(home: Home) -> None:
    """It begins at once, whatever the schedule says, is on its record, and is the only one."""
    home.house.environ = NEVER
    home.works = waits
    nights = home.open()
    nights.come_by_themselves()
    assert {"started": True} == nights.ask()
    with pytest.raises(NightRuns, match="wait for it"):
        nights.ask()
    assert home.begun.wait(PATIENCE)

    assert (True, "train") == (nights.state()["running"], nights.state()["step"])
    assert "begun" == home.log[-1].kind
    home.traffic.touch()
    assert home.given[0]["idle_seconds"]() < 5


def test_how_far_it_is(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Clients are told what a night by hand shows; the log has a line for each step, and for begin and end,
    without a word of why."""
    caplog.set_level("INFO", "persona.daemon.nights")
    home.house.environ = NEVER
    steps = [("distill", "distill", 0, 1), ("train", "train", 1, 3), ("train", "train", 2, 3)]

    def night(on_progress: Any, **_: Any) -> Any:
        for stage, step, done, total in steps:
            on_progress({"stage": stage, "step": step, "done": done, "total": total, "loss": 0.5})
        far.append({name: home.nights.state()[name] for name in ("stage", "step", "done", "total")})
        return SimpleNamespace(
            run="run-7", outcome=RunState.PROMOTED, revision="r7", reasons=("“Be brief.”",)
        )

    far: list[Any] = []
    home.open()
    home.house.night = night
    home.nights.ask()
    assert home.ended.wait(PATIENCE)

    assert [{"stage": "train", "step": "train", "done": 2, "total": 3}] == far
    told = [data for _, data in home.told if data["state"] == "running"]
    assert steps == [(data["stage"], data["step"], data["done"], data["total"]) for data in told]
    assert [
        "a night begins",
        "night: distill: distill",
        "night: train: train",
        "the night ended: promoted r7",
    ] == caplog.messages
    assert eventually(lambda: home.nights.state()["step"] == "")


def test_asking_needs_no_clock_that_ticks(home: Home) -> None:
    """An identity whose nights do not come by themselves has one when it asks, and no other."""
    nights = home.open()
    nights.ask()
    assert home.ended.wait(PATIENCE)

    assert "promoted" == home.last_kind()
    assert ["begun", "promoted"] == [entry.kind for entry in home.log]
    assert "promoted" == nights.state()["last"]["outcome"]


def test_what_a_crash_left_is_put_in_order_first(home: Home) -> None:
    """Before any night, so that `status` never shows a run that nobody works on."""
    home.house.environ = NEVER
    with home.store() as store:
        store.runs.start(Run(id="run-1", started_at=datetime.now(UTC), state=RunState.STARTED))
    home.open().come_by_themselves()

    with home.store() as store:
        assert [RunState.INTERRUPTED] == [run.state for run in store.runs.all()]


def test_a_night_elsewhere_is_left_alone(home: Home) -> None:
    """Another process is at work here: nothing is put in order under its feet."""
    home.house.environ = NEVER
    with home.store() as store:
        store.runs.start(Run(id="run-1", started_at=datetime.now(UTC), state=RunState.STARTED))
    with home.house.persona().lock():
        home.open().come_by_themselves()

    with home.store() as store:
        assert [RunState.STARTED] == [run.state for run in store.runs.all()]


def test_the_end_of_a_night_is_a_clean_up(home: Home) -> None:
    """As the settings say; what is loaded stays, and so do champions."""
    home.house.environ = {**NEVER, "PERSONA_KEEP__REJECTED_DAYS": "0"}
    registry = home.house.registry()
    one, two, three = (publish(registry, number) for number in (1, 2, 3))
    registry.reject(one.id, "it is no better")
    registry.reject(two.id, "it is no better")
    registry.promote(three.id, expected="r0", reason="better")
    home.leased = (two.id,)
    home.open().ask()
    assert home.ended.wait(PATIENCE)

    assert ["retired", "rejected", "champion"] == [
        str(home.house.registry().state(revision.id)) for revision in (one, two, three)
    ]
