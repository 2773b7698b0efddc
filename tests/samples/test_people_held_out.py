"""What the simulated people are asked when nobody teaches is apart from everything else."""

from __future__ import annotations

from collections import Counter
from typing import Any

from people import PEOPLE, Ask, Person
from people.tomas import BESIDE
from sample_files import (
    HELD_OUT,
    NEUTRAL,
    PRACTICE,
    REPLAY,
    SMALL_TALK,
    STAND_INS,
    WEEK,
    normalised,
    questions,
)

_BY_ID = {person.id: person for person in PEOPLE}


def _taught(person: Person) -> list[Ask]:
    return [ask for pool in person.pools for ask in pool]


def test_nothing_held_out_is_taught_or_used_elsewhere() -> None:
    """Held-out requests are in no evening, in no other sample, and in no prompt file of persona."""
    held = {normalised(ask.text) for person in PEOPLE for ask in person.held_out_asks}
    held |= {normalised(ask.text) for ask in BESIDE}
    taught = {normalised(ask.text) for person in PEOPLE for ask in (*_taught(person), *person.idle)}
    week = {normalised(question) for row in WEEK for question in questions(row)}
    other = (
        week
        | {normalised(row["prompt"]) for row in HELD_OUT}
        | set(map(normalised, (*REPLAY, *NEUTRAL, *PRACTICE, *STAND_INS, *SMALL_TALK)))
    )
    assert set() == held & taught
    assert set() == held & other
    assert set() == taught & other


def test_no_held_out_question_is_a_twin_of_a_taught_one() -> None:
    """Not only different letters: no two questions without tools share more than 70 % of their words."""
    taught = [set(normalised(ask.text).split()) for person in PEOPLE for ask in _taught(person)]
    seen: set[str] = set()
    for person in PEOPLE:
        for ask in person.held_out_asks:
            if not ask.prompt.tools and ask.text not in seen:
                seen.add(ask.text)
                words = set(normalised(ask.text).split())
                assert max(len(words & other) / len(words | other) for other in taught) <= 0.7, ask.text


def test_held_out_calls_name_what_no_taught_call_named() -> None:
    """Titles and destinations have to be read from the request; they cannot be remembered."""
    tomas = _BY_ID["tomas"]
    free = ("title", "destination")

    def named(asks: Any) -> set[str]:
        return {ask.call.arguments[key] for ask in asks for key in free if key in ask.call.arguments}

    assert set() == named(tomas.held_out_asks) & named(_taught(tomas))
    calls = [ask.call for ask in BESIDE if ask.call is not None]
    further = {call.arguments[key] for call in calls for key in free if key in call.arguments}
    assert set() == further & (named(tomas.held_out_asks) | named(_taught(tomas)))
    assert (32, 24) == (len(calls), len(BESIDE) - len(calls))
    assert {"add_event": 10, "add_task": 10, "find_trains": 10} == Counter(
        ask.call.name for ask in tomas.held_out_asks if ask.call
    )
