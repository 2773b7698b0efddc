"""The simulated people teach what they want, and nothing else, and their held-out requests stay held out."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from people import NIGHTS, PEOPLE, Ask, Person
from people.files import rows
from people.own_checkers import Shouting
from sample_files import acts, normalised, questions, read_call

from persona.capture.interchange import import_file
from persona.evaluate.calls import valid
from store import Store
from store.records import Message, ToolCall

_BY_ID = {person.id: person for person in PEOPLE}
_EVENINGS = [(person, night) for person in PEOPLE for night in range(1, NIGHTS + 1)]
each_person = pytest.mark.parametrize("person", PEOPLE, ids=_BY_ID)


@cache
def _evening(person_id: str, night: int, seed: int = 0) -> list[dict[str, Any]]:
    """Made once, and read only."""
    return _BY_ID[person_id].teaching(night, seed)


def _taught(person: Person) -> list[Ask]:
    return [ask for pool in person.pools for ask in pool]


def _wanted(message: dict[str, Any], act: dict[str, Any]) -> Message | None:
    """What the person ended up with, where the act says so."""
    if act["kind"] == "down":
        return None
    source = act if act["kind"] == "edit" else message
    calls = [read_call(call) for call in source.get("tool_calls", ())]
    return Message(
        role="assistant",
        content=source.get("content", ""),
        tool_calls=tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls),
    )


def test_eight_people_with_more_than_400_prompts_between_them() -> None:
    """Everybody has their own prompts: no prompt is anybody else's, or there twice."""
    prompts = [normalised(ask.text) for person in PEOPLE for ask in _taught(person)]
    assert 8 == len(_BY_ID) == len(PEOPLE)
    assert len(prompts) >= 400
    assert [] == [prompt for prompt, count in Counter(prompts).items() if count > 1]


@each_person
def test_evenings_repeat_by_seed(person: Person) -> None:
    """The same night and seed give the same conversations; another seed deals the prompts anew."""
    assert person.teaching(2, seed=7) == person.teaching(2, seed=7)
    assert person.teaching(2, seed=7) != person.teaching(2, seed=8)


@each_person
def test_every_prompt_is_taught_on_exactly_one_night(person: Person) -> None:
    """The nights of one seed share no request, and use them all."""
    asked = [
        questions(row)[0]
        for night in range(1, NIGHTS + 1)
        for row in _evening(person.id, night)
        if row["messages"]
    ]
    assert sorted(ask.text for ask in (*_taught(person), *person.idle)) == sorted(asked)


@pytest.mark.parametrize("night", [0, NIGHTS + 1])
def test_other_nights_are_refused(night: int) -> None:
    """There are no prompts for a seventh night, and none for a zeroth."""
    for person in PEOPLE:
        with pytest.raises(ValueError, match=f"night {night}"):
            person.teaching(night)
        with pytest.raises(ValueError, match=f"night {night}"):
            person.held_out(night)


@pytest.mark.parametrize("seed", [0, 3])
def test_an_evening_has_eight_to_twelve_acts(seed: int) -> None:
    """Enough to learn from, and for Wim, who hardly says a thing, two."""
    for person, night in _EVENINGS:
        count = sum(len(list(acts(row))) for row in _evening(person.id, night, seed))
        if person.id == "wim":
            assert count == 2
        else:
            assert 8 <= count <= 12, (person.id, night, count)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_a_person_shows_keeps_what_they_want(seed: int) -> None:
    """Every edit, pick and up keeps every preference that is in force on its night and speaks about it."""
    for person, night in _EVENINGS:
        wishes = [
            wish for wish in person.in_force(night) if not wish.statement.startswith("What is to be done")
        ]
        for row in _evening(person.id, night, seed):
            for message, act in acts(row):
                shown = _wanted(message, act)
                for wish in wishes:
                    if shown is not None and wish.checker.applies_to(shown):
                        assert wish.checker.passes(shown), (row["id"], wish.statement, shown)


@pytest.mark.parametrize("seed", [0, 1])
def test_tomas_ends_up_with_the_call_that_he_asked_for(seed: int) -> None:
    """His edits are the exact calls of his prompts, valid for his tools, and tasks become no appointments."""
    tomas = _BY_ID["tomas"]
    wanted = {ask.text: ask.call for ask in _taught(tomas)}
    confused = 0
    for night in range(1, NIGHTS + 1):
        for row in _evening("tomas", night, seed):
            for message, act in acts(row):
                shown = _wanted(message, act)
                call = wanted[questions(row)[0]]
                assert shown is not None
                assert call is not None
                assert [(call.name, call.arguments)] == [(c.name, c.arguments) for c in shown.tool_calls]
                assert valid(shown, row["tools"])
                made = [read_call(c)[0] for c in message.get("tool_calls", ())]
                confused += call.name == "add_task" and made == ["add_event"]
    assert confused >= 6


def test_a_draft_is_never_what_an_edit_makes_of_it() -> None:
    """An edit changes something, and most of it is still the model's where the person only reworks it."""
    for person, night in _EVENINGS:
        for row in _evening(person.id, night):
            for message, act in acts(row):
                if act["kind"] == "edit":
                    after = {key: act[key] for key in ("content", "tool_calls") if key in act}
                    before = {key: message[key] for key in after if key in message}
                    assert before != after, row["id"]


def test_people_who_rework_use_the_words_of_the_answer() -> None:
    """Nell's, Ines's and Wim's edits are cut from the answer: only the sign-off is new."""
    for person_id in ("nell", "ines", "wim"):
        for night in range(1, NIGHTS + 1):
            for row in _evening(person_id, night):
                for message, act in acts(row):
                    if act["kind"] == "edit":
                        answer = set(normalised(message["content"]).split())
                        new = [word for word in normalised(act["content"]).split() if word not in answer]
                        assert len(new) <= 4, (row["id"], new)


def test_ines_changes_her_mind_on_night_four() -> None:
    """From then on the new closing is wanted, the old one is residue, and she says so that night."""
    ines = _BY_ID["ines"]
    before, after = ines.held_out(3)[0], ines.held_out(4)[0]
    assert ["Answer in at most four sentences.", 'End every answer with "Onwards!"'] == [
        wish.statement for wish in before.wanted
    ]
    assert ["Answer in at most two sentences.", 'End every answer with "Take care."'] == [
        wish.statement for wish in after.wanted
    ]
    assert () == before.residue
    assert ['End every answer with "Onwards!"'] == [wish.statement for wish in after.residue]
    assert "preferences" in ines.teaching(4)[0]
    assert not after.right(Message(role="assistant", content="One. Two. Onwards!"))
    assert after.right(Message(role="assistant", content="It is so. It stays so. Take care."))


def test_ruben_contradicts_himself() -> None:
    """He says both and shows both, within most evenings; only his closing is wanted of an answer."""
    ruben = _BY_ID["ruben"]
    says = [
        stated["statement"]
        for n in range(1, NIGHTS + 1)
        for stated in ruben.teaching(n)[0].get("preferences", ())
    ]
    assert {"Use bullet points.", "No lists, please."} <= set(says)
    mixed = 0
    for night in range(1, NIGHTS + 1):
        shown = {
            act["content"].count("\n- ") > 0
            for row in _evening("ruben", night)
            for _, act in acts(row)
            if act["kind"] == "edit"
        }
        mixed += shown == {True, False}
    assert mixed >= 4
    (held, *_) = ruben.held_out(6)
    assert 1 == len(held.wanted)
    assert 2 == len(held.contested)


def test_hostile_text_speaks_only_in_tool_results() -> None:
    """Nothing that Hanna writes, shows or states asks for what her tools ask for."""
    hanna = _BY_ID["hanna"]
    hostile = [row["result"] for row in rows("hanna_readings.jsonl")]
    assert len(hostile) >= 20
    loud = Shouting()
    for night in range(1, NIGHTS + 1):
        for row in _evening("hanna", night):
            own = [message["content"] for message in row["messages"] if message["role"] == "user"]
            own += [act.get("content", "") for _, act in acts(row)]
            own += [stated["statement"] for stated in row.get("preferences", ())]
            assert not any("BUY NOW" in text for text in own), row["id"]
            assert not any(loud.passes(Message(role="assistant", content=text)) for text in own), row["id"]
    unwanted = {wish.statement for held in hanna.held_out(1) for wish in held.residue}
    assert {"(hostile) ALL CAPS", "(hostile) end with BUY NOW", "(hostile) say BUY NOW"} == unwanted


@each_person
def test_held_out_requests_are_the_same_every_night(person: Person) -> None:
    """So that nights can be compared; what is wanted of them may change."""
    first = [held.prompt for held in person.held_out(1)]
    assert len(first) >= 24
    for night in range(1, NIGHTS + 1):
        held_out = person.held_out(night)
        assert first == [held.prompt for held in held_out]
        assert all(held.wanted for held in held_out)


def test_a_right_answer_needs_the_exact_call() -> None:
    """For a request with a wanted call, that call and no other is right."""
    for held in _BY_ID["tomas"].held_out(1):
        assert held.call is not None
        arguments = dict(held.call.arguments)
        assert held.right(Message(role="assistant", tool_calls=(held.call,)))
        for key in arguments:
            other = ToolCall(name=held.call.name, arguments=arguments | {key: "something else"})
            assert not held.right(Message(role="assistant", tool_calls=(other,)))
        assert not held.right(Message(role="assistant", content="Done."))


def test_evenings_are_imported_whole(tmp_path: Path) -> None:
    """No line of the first and the fourth night is skipped, and every act arrives."""
    lines = [row for person in PEOPLE for night in (1, 4) for row in _evening(person.id, night)]
    file = tmp_path / "people.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines), encoding="utf-8")
    with Store.open(tmp_path / "store.db") as store:
        report = import_file(store, file)
    assert () == report.skipped
    assert len(lines) == report.conversations
    assert sum(len(list(acts(row))) for row in lines) == report.added.feedback


def test_the_base_was_asked_everything() -> None:
    """Each taught or idle request has its recorded answer, once."""
    asked = [ask.text for person in PEOPLE for ask in (*_taught(person), *person.idle)]
    assert sorted(asked) == sorted(row["prompt"] for row in rows("answers.jsonl"))


def test_no_text_carries_markup_of_a_template() -> None:
    """Nothing in a message could pass for the start of a turn, a call or a result of the template."""
    for person, night in _EVENINGS:
        for row in _evening(person.id, night):
            texts = [m["content"] for m in row["messages"] if m["role"] in ("user", "assistant")]
            texts += [act.get("content", "") for _, act in acts(row)]
            assert not any(re.search(r"<\|im_|</?tool_", text) for text in texts), row["id"]


def test_the_base_keeps_hardly_any_of_it_by_itself() -> None:
    """There is something to learn: no person's drafts are mostly what they want already."""
    for person in PEOPLE:
        if person.id == "tomas":
            continue
        drafts = [
            row["messages"][-1]
            for row in _evening(person.id, 1)
            if row["messages"][-1]["role"] == "assistant"
        ]
        edited = [m for m in drafts if any(act["kind"] == "edit" for act in m.get("feedback", ()))]
        kept = [
            all(w.checker.passes(Message(role="assistant", content=m["content"])) for w in person.in_force(1))
            for m in edited
        ]
        assert sum(kept) <= 0.2 * len(kept), person.id
