"""Where behaviour comes from: what a revision learned, and what stands behind an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from daemon_parts import AT, House, asked, publish, said, turn

from persona.checker import MaxSentences
from persona.daemon.desk import LocalDesk
from store import Store
from store.identity import with_id
from store.records import (
    DatasetSnapshot,
    Demonstration,
    Preference,
    PreferencePair,
    PreferenceStatus,
    Run,
    RunState,
)


def entry(statement: str, attribute: str, **more: Any) -> Preference:
    return Preference(
        id=f"p-{attribute}",
        statement=statement,
        scope=more.pop("scope", "always"),
        attribute=attribute,
        source="stated",
        first_seen=AT,
        last_seen=AT,
        status=PreferenceStatus.ACTIVE,
        signals=(),
        **more,
    )


SHORT = entry("Answer in one sentence.", "length", checker=MaxSentences(n=1).to_json())
CODE = entry("Show code first.", "order", scope="kind:code")
WARM = entry("Be warm.", "tone")


@pytest.fixture
def desk(tmp_path):
    """A home whose champion r1 learned from two examples and two preferences; one more was said since."""
    house = House(tmp_path)
    house.create()
    lesson = with_id(
        Demonstration(
            id="",
            conversation="c-a",
            prompt=asked("Why is the sky blue?").messages,
            completion=said("Light."),
        )
    )
    pair = with_id(
        PreferencePair(
            id="",
            conversation="c-b",
            prompt=asked("Name a bird.").messages,
            chosen=said("A wren."),
            rejected=said("Birds are many."),
        )
    )
    registry = house.registry()
    made = publish(registry, 1)
    with house.persona() as persona:
        store: Store = persona.store
        for each in (SHORT, CODE, WARM):
            store.ledger.record(each, reason="said so")
        store.examples.add([lesson, pair])
        snapshot = with_id(
            DatasetSnapshot(id="", at=AT, train=(lesson.id, pair.id), held_out=(), preferences=(SHORT, CODE))
        )
        store.snapshots.freeze(snapshot)
        store.runs.start(Run(id="run-1", started_at=AT, state=RunState.STARTED))
        store.runs.finish(
            "run-1",
            state=RunState.PROMOTED,
            ended_at=AT,
            snapshot=snapshot.id,
            revision=made.id,
            reasons=(),
            report=None,
            costs={},
        )
    registry.promote(made.id, expected="r0", reason="a night")
    desk = LocalDesk(house.persona)
    yield desk
    desk.close()


def test_what_a_revision_learned(desk) -> None:
    """Its preferences, how many examples of which kind, and what they say; the base learned nothing."""
    found = desk.ask("learned", {"revision": "r1"})
    assert ["Answer in one sentence.", "Show code first."] == [
        each["statement"] for each in found["preferences"]
    ]
    assert {"demonstrations": 1, "pairs": 1} == found["kinds"]
    assert [("A wren.", "Birds are many."), ("Light.", None)] == [
        (each["wanted"], each["instead_of"]) for each in found["examples"]
    ]
    assert {} == desk.ask("learned", {"revision": "r0"})["kinds"]
    json.dumps(found)


def test_what_stands_behind_an_answer(desk) -> None:
    """Preferences that speak about its question, with whether it keeps them; the likest example; what is
    told since."""
    kept = desk.keep(turn(asked("Why is the sky so blue?"), "Light. Blue light.", revision=champion(desk)))
    found = desk.ask("why", {"interaction": kept})
    assert [("Answer in one sentence.", False)] == [(e["statement"], e["kept"]) for e in found["carried"]]
    assert ("Be warm.", None) in [(e["statement"], e["kept"]) for e in found["told"]]
    assert ["Why is the sky blue?"] == [each["question"] for each in found["examples"]]
    assert "r1" == found["ref"]


def test_nothing_stands_behind_the_base(desk) -> None:
    """It has learned nothing."""
    found = desk.ask("why", {"interaction": desk.keep(turn(asked("Why?"), "Because."))})
    assert ("r0", [], []) == (found["ref"], found["carried"], found["examples"])


def champion(desk) -> str:
    return str(desk.ask("revisions", {})["champion"])
