"""A life is lived once, night by night, and goes on where it was cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from learning.lives import PromptLife, evening
from learning.mornings import Morning, lived
from learning.persona_life import PersonaLife
from people import NIGHTS, PEOPLE

from persona.distill import revise_ledger
from persona.errors import TrainingError
from persona.precedents import Precedent
from persona.promote import GatePolicy
from persona.train import Recipe
from store import Store
from store.records import Message, ToolCall


class _Life:
    def __init__(self, folder: Path, *, fails_on: int = 0) -> None:
        self.folder = folder
        self.nights: list[int] = []
        self._fails_on = fails_on

    def live(self, night: int) -> dict[str, Morning]:
        if night == self._fails_on:
            raise TrainingError("it would not")
        self.nights.append(night)
        return {"arm": Morning(revision=f"rev-{night}", bytes=night, training={"seconds": 1.5})}


def test_nights_before_are_lived_first_and_once(tmp_path: Path) -> None:
    """And the morning is the same when it is asked for again."""
    life = _Life(tmp_path / "life")
    third = lived(life, 3)
    assert [1, 2, 3] == life.nights
    assert "rev-3" == third["arm"].revision
    again = _Life(tmp_path / "life")
    assert third == lived(again, 3)
    assert [] == again.nights


def test_a_night_that_failed_is_lived_again(tmp_path: Path) -> None:
    """Those before it are not."""
    with pytest.raises(TrainingError):
        lived(_Life(tmp_path / "life", fails_on=2), 3)
    life = _Life(tmp_path / "life")
    lived(life, 3)
    assert [2, 3] == life.nights


def test_a_stated_preference_is_in_the_prompt_from_its_first_night(tmp_path: Path) -> None:
    """Read from the conversations by persona's own ledger; it comes back through the diary."""
    nell = next(person for person in PEOPLE if person.id == "nell")
    life = PromptLife(folder=tmp_path / "life", person=nell, seed=0)
    said = lived(life, 1)["prompt"].said
    assert any("Over and out." in each.statement for each in said)
    assert said == lived(life, 1)["prompt"].said


def test_evenings_follow_each_other() -> None:
    """Each after its day, whose last conversation is before eleven at night."""
    assert datetime(2026, 11, 2, 23, 0, tzinfo=UTC) == evening(1)
    last = max(row["at"] for row in PEOPLE[0].teaching(NIGHTS))
    assert last < f"{evening(NIGHTS):%Y-%m-%dT%H:%M:%SZ}"


def test_a_night_that_is_only_heard_builds_nothing(tmp_path: Path) -> None:
    """Its day is in the store, and the base goes on answering."""
    base: Any = SimpleNamespace(name="b", path=tmp_path)
    (tmp_path / "life").mkdir()
    life = PersonaLife(
        folder=tmp_path / "life",
        person=PEOPLE[0],
        seed=0,
        base=base,
        recipe=Recipe(),
        policy=GatePolicy(),
        learns=frozenset({7}),
    )
    mornings = lived(life, 2)

    assert {"r0"} == {each.revision for each in mornings.values()}
    with Store.open(tmp_path / "life" / "home" / "identities" / "me" / "store.db") as store:
        assert [] == list(store.runs.all())
        assert {evening(night).date() for night in (1, 2)} == {
            each.at.date() for each in store.interactions.all()
        }


def test_a_wish_is_said_once_and_no_day_is_heard(tmp_path: Path) -> None:
    """On the night from which it holds, as `persona prefer` says it; said again it is no other."""
    base: Any = SimpleNamespace(name="b", path=tmp_path)
    ines = next(person for person in PEOPLE if person.id == "ines")
    life = PersonaLife(
        folder=tmp_path / "life",
        person=ines,
        seed=0,
        base=base,
        recipe=Recipe(),
        policy=GatePolicy(),
        learns=frozenset({7}),
        told=True,
    )
    assert {"persona-told"} == lived(life, 4).keys()
    for night in (1, 4):
        life.live(night)  # as after a night that was cut off
    with Store.open(tmp_path / "life" / "home" / "identities" / "me" / "store.db") as store:
        assert [] == list(store.interactions.all())
        said = sorted(each.content for each in store.feedback.all())
        assert sorted(wish.statement for night in (1, 4) for wish in ines.in_force(night)) == said
        revise_ledger(store)
        assert {wish.statement for wish in ines.in_force(4)} == {
            entry.statement for entry in store.ledger.active()
        }


def test_a_morning_remembers_its_precedents() -> None:
    """They come back through the diary, whose older pages have none."""
    answer = Message(role="assistant", tool_calls=(ToolCall(name="note", arguments={"what": "tea"}),))
    morning = Morning(precedents=(Precedent(request="Note tea.", answer=answer),))
    assert morning == Morning.from_json(morning.to_json())
    older = morning.to_json()
    del older["precedents"]
    assert () == Morning.from_json(older).precedents
