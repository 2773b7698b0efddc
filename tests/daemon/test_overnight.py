"""The daemon's own nights: begun by its clock, told to its clients, ended with it."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from persona.config import ScheduleSettings
from persona.daemon.overnight import overnight
from persona.daemon.place import Place
from persona.daemon.pulse import answers, told
from persona.errors import ChildFailed
from persona.schedule.probes import OwnTraffic
from persona.schedule.state import ScheduleFile
from persona.service.notify import Notifier
from store import Store
from store.records import Run, RunState

PATIENCE = 20.0
ALWAYS = ScheduleSettings(
    window="00:00-00:00",
    idle_minutes=0,
    on_battery=True,
    max_load=10_000,
    min_free_memory_gb=0,
    min_free_disk_gb=0,
    keep_awake=False,
    notify=False,
)


@dataclass
class Home:
    """Persona as far as nights need one: a real store, and a night that the test scripts."""

    folder: Path
    settings: ScheduleSettings = ALWAYS
    works: Any = None
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    nights: list[dict[str, Any]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def open(self) -> Any:
        with Store.open(self.folder / "store.db"):
            pass
        return nullcontext(
            SimpleNamespace(
                settings=SimpleNamespace(schedule=self.settings),
                paths=SimpleNamespace(schedule=self.folder / "schedule.json"),
                store=Store.open(self.folder / "store.db"),
                night=self.night,
            )
        )

    def night(self, on_progress: Any, **given: Any) -> Any:
        self.nights.append(given)
        on_progress({"step": "train", "done": 1, "total": 3})
        if self.works:
            self.works(given)
        return SimpleNamespace(outcome=RunState.PROMOTED, revision="r7", reasons=("it is better",))

    def tell(self, kind: str, data: Any) -> None:
        self.told.append((kind, dict(data)))
        if data["state"] in ("ended", "failed"):
            self.ended.set()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def last_kind(home: Home) -> str:
    return ScheduleFile(home.folder / "schedule.json").read().log[-1].kind


def test_a_night_comes_by_itself(home: Home) -> None:
    """It gets the leash, its progress and end are told, and its date is done."""
    with overnight(home.open, home.tell, OwnTraffic()):
        assert home.ended.wait(PATIENCE)

    assert ["started", "running", "ended"] == [data["state"] for _, data in home.told]
    assert ("promoted", "r7", ["it is better"]) == tuple(
        home.told[-1][1][name] for name in ("outcome", "revision", "reasons")
    )
    assert {"cancel", "idle_seconds"} == set(home.nights[0])
    assert "promoted" == last_kind(home)


def test_the_store_says_what_was_done(home: Home) -> None:
    """A night that was run by hand an hour ago is not run again."""
    now = datetime.now(UTC)
    with Store.open(home.folder / "store.db") as store:
        store.runs.start(Run(id="run-1", started_at=now - timedelta(seconds=9), state=RunState.STARTED))
        store.runs.finish("run-1", state=RunState.REJECTED, ended_at=now)
    with overnight(home.open, home.tell, OwnTraffic()) as clock:
        clock.tick()

    assert [] == home.nights
    assert "wait" == last_kind(home)


def test_a_failure_is_told(home: Home) -> None:
    """And on record."""

    def fail(given: Any) -> None:
        raise ChildFailed("train", "it was ended by SIGKILL", Path("train.log"))

    home.works = fail
    with overnight(home.open, home.tell, OwnTraffic()):
        assert home.ended.wait(PATIENCE)

    assert "failed" == home.told[-1][1]["state"]
    assert "SIGKILL" in home.told[-1][1]["why"]
    assert "failed" == last_kind(home)


def test_the_daemon_ends_in_the_middle(home: Home) -> None:
    """The night makes way, within seconds."""
    begun = threading.Event()

    def work(given: Any) -> None:
        begun.set()
        assert given["cancel"].wait(PATIENCE)
        raise KeyboardInterrupt

    home.works = work
    with overnight(home.open, home.tell, OwnTraffic()):
        assert begun.wait(PATIENCE)

    assert "made_way" == last_kind(home)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the library's name
        self.send_response(503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def place() -> Iterator[Place]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Place(pid=1, host="127.0.0.1", port=server.server_address[1])
    server.shutdown()
    server.server_close()


def test_whether_the_daemon_answers(place: Place) -> None:
    """A refusal is an answer; nobody there is none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        silent = Place(pid=1, host="127.0.0.1", port=taken.getsockname()[1])

        assert answers(place)
        assert answers(Place(pid=1, host="0.0.0.0", port=place.port))
        assert not answers(silent)


def test_what_the_manager_is_told(place: Place, tmp_path: Path) -> None:
    """Ready with the address, alive while it answers, stopping at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "150000"}
        with told(place, Notifier(environ)):
            said = [manager.recv(4096).decode() for _ in range(3)]
        while (last := manager.recv(4096).decode()) == "WATCHDOG=1":
            pass

    assert f"READY=1\nSTATUS=answering at {place.url}" == said[0]
    assert ["WATCHDOG=1", "WATCHDOG=1"] == said[1:]
    assert "STOPPING=1" == last
