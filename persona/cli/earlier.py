"""Earlier conversations, for the chat that goes line by line: listed, found by words, and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from persona.answers.talk import conversation
from persona.cli.conversation import Answer, Standing
from persona.cli.output import when
from persona.errors import BadInput
from persona.thread import Answer as Told
from persona.thread import Thread
from persona.visible import one_line
from store.records import Message, Origin

if TYPE_CHECKING:
    from persona.bootstrap import Persona
    from store import Store
    from store.interactions import Interactions

_OPENING, _EXCERPT, _MOST_HITS = 60, 100, 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where to go on: a conversation, on the way through one of its interactions if one is named."""

    conversation: str
    interaction: str = ""


Rows = Sequence[tuple[Place, str]]  # each with a line about it


def newest(store: Store, most: int) -> Rows:
    """The conversations that something was said in last, latest first."""
    found = sorted(store.interactions.conversations(), key=lambda each: (each.last_at, each.id), reverse=True)
    return [
        (
            Place(conversation=each.id),
            f"{when(each.last_at)}  {_count(each.interactions)}  {one_line(each.opening, _OPENING)}",
        )
        for each in found[:most]
    ]


def said(store: Store, words: str) -> Rows:
    """The messages that hold every one of `words`, best first."""
    return [
        (
            Place(conversation=hit.conversation, interaction=hit.interaction),
            f"{when(hit.at)}  {'you' if hit.role == 'user' else hit.role}: {one_line(hit.excerpt, _EXCERPT)}",
        )
        for hit in store.interactions.search(words, limit=_MOST_HITS)
    ]


def taken_up(persona: Persona, place: Place) -> Standing:
    """How things stand at the end of the way through `place`. BadInput when there is no such conversation."""
    try:
        thread = Thread.from_json(conversation(persona, place.conversation, brief=True))
    except BadInput as error:
        raise BadInput(f"{error}: /conversations lists what there is") from None
    thread.choose(place.interaction)
    turn = thread.last
    assert turn is not None
    assert turn.answer is not None
    assert turn.answer.interaction is not None  # it ends with one that was kept
    interactions = persona.store.interactions
    answers = tuple(_answer(each, interactions) for each in turn.answers)
    return Standing(
        conversation=place.conversation,
        question=interactions.get(turn.answer.interaction).prompt,
        answers=answers,
        answer=answers[turn.at],
    )


def _answer(told: Told, interactions: Interactions) -> Answer:
    if told.better is not None:
        message = Message(role="assistant", content=told.better, origin=Origin.USER)
    elif told.interaction is not None:
        message = interactions.get(told.interaction).completion
    else:  # another program said that it was answered so
        message = Message(role="assistant", content=told.text)
    return Answer(message=message, interaction=told.interaction, revision=told.revision or "")


def _count(answers: int) -> str:
    return f"{answers} answer{'' if answers == 1 else 's'}"
