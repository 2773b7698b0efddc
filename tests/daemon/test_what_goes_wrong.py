"""What is in the store or goes wrong in a look, that nobody expected: answers and looks go on."""

from __future__ import annotations

import threading

import pytest
from daemon_parts import AT, House, asked, eventually, publish

from persona.daemon.desk import LocalDesk
from persona.daemon.door import LocalDoor
from persona.daemon.tokens import Tokens
from persona.engine.protocol import Sampling
from persona.paths import Home
from persona.schedule.probes import OwnTraffic
from store.records import Run, RunState

SHORT = Sampling(max_tokens=10)
STATED = "Answer in at most two sentences."
REPORTS = [
    {"candidate": {"revision": "r1"}, "champion": {}, "base": {}, "statements": {}, "engine": "x"},
    {"candidate": [1], "champion": None, "base": 2, "statements": 3, "engine": "x"},
    {"of": "another version"},
]


@pytest.fixture
def house(tmp_path) -> House:
    house = House(tmp_path)
    house.create()
    return house


@pytest.fixture
def door(house):
    tokens = Tokens(Home(house.root), own_identity="me")
    door = LocalDoor(tokens, lambda identity: LocalDesk(lambda: house.persona(identity)))
    yield door
    door.close()


def serve_a_revision(house: House, report: dict) -> str:
    """Its content id; its run has this report."""
    made = publish(house.registry(), 1)
    with house.persona() as persona:
        persona.store.runs.start(Run(id="run-1", started_at=AT, state=RunState.STARTED))
        persona.store.runs.finish(
            "run-1", state=RunState.PROMOTED, ended_at=AT, revision=made.id, report=report
        )
    house.registry().promote(made.id, expected="r0", reason="better")
    return made.id


def answer(desk: LocalDesk, model: str = "persona") -> str:
    with desk.lease(model) as lease:
        (completion,) = lease.engine.complete([asked("Why?")], SHORT)
        return completion.text


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_of_another_shape_costs_no_answer(house, door, caplog, report) -> None:
    """The revision answers, what is known of other revisions is read on, and the log says it once."""
    served = serve_a_revision(house, report)
    desk = door.desk("me")
    said = [answer(desk) for _ in range(3)]
    with desk.lease("persona:base") as lease:
        before = lease.statements
    desk.ask("prefer", {"text": STATED})
    with desk.lease("persona:base") as lease:
        after = lease.statements
    said.append(answer(desk))

    assert [f"answered by {served}"] * 4 == said
    assert ((), (STATED,)) == (before, after)
    (line,) = [record for record in caplog.records if "could not be read" in record.message]
    assert served in line.message


def test_what_nobody_expected_does_not_end_the_looks(house, door, caplog, monkeypatch) -> None:
    """Its traceback is logged once; other looks come, and a promotion is served when they succeed again."""
    desk = door.desk("me")
    failed = threading.Event()
    looks = []

    def broken() -> None:
        looks.append(1)
        if len(looks) > 3:
            failed.set()
        raise KeyError("adoption")

    with monkeypatch.context() as patched:
        patched.setattr(desk, "look", broken)
        assert failed.wait(5)
    made = publish(house.registry(), 1)
    house.registry().promote(made.id, expected="r0", reason="better")

    assert eventually(lambda: answer(desk) == f"answered by {made.id}")
    (record,) = [record for record in caplog.records if record.name == "persona.daemon.door"]
    assert record.exc_info
    assert "adoption" in record.message


def test_an_answer_under_way_is_use(house) -> None:
    """For as long as it is held, and so is another server's that passes through."""
    now = [0.0]
    traffic = OwnTraffic(lambda: now[0])
    desk = LocalDesk(house.persona, traffic=traffic)
    idle = []
    try:
        for held in (desk.lease("persona"), desk.passing()):
            with held:
                now[0] += 300
                idle.append(traffic.read().value.total_seconds())
            now[0] += 5
            idle.append(traffic.read().value.total_seconds())
    finally:
        desk.close()

    assert [0, 5, 0, 5] == idle
