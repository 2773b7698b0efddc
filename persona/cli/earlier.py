"""Earlier conversations, for the chat that goes line by line: listed, found by words, and taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from persona.cli.conversation import Answer, Standing
from persona.cli.output import when
from persona.errors import BadInput
from persona.visible import one_line
from store.records import Feedback, FeedbackKind, Message, Origin

if TYPE_CHECKING:
    from store import Store, Told

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


def taken_up(store: Store, place: Place) -> Standing:
    """How things stand at the end of the way through `place`. BadInput when there is no such conversation."""
    told = store.interactions.told(place.conversation)
    if not told:
        raise BadInput(f"no conversation {place.conversation!r}: /conversations lists what there is")
    acts = store.feedback.all(conversation=place.conversation)
    better = {act.interaction: act.content for act in acts if act.kind == FeedbackKind.EDIT and act.content}
    here = next((each for each in told if each.id == place.interaction), told[-1])
    while later := [each for each in told if _follows(each, here, better.get(here.id))]:
        here = later[-1]
    around = [each for each in told if (each.after, each.said) == (here.after, here.said)]
    answers = {each.id: _answer(each, better) for each in around}
    return Standing(
        conversation=place.conversation,
        question=store.interactions.get(here.id).prompt,
        answers=tuple(answers.values()),
        answer=answers[_picked(acts, answers) or here.id],
    )


def _follows(later: Told, earlier: Told, better: str | None) -> bool:
    """Whether it goes on from the answer of `earlier`, or from what the user made of that."""
    if later.after == earlier.id:
        return True
    behind = len(earlier.said)
    return (
        later.after == earlier.after
        and later.said[:behind] == earlier.said
        and len(later.said) > behind
        and later.said[behind].content == better
    )


def _picked(acts: Sequence[Feedback], among: Mapping[str, Answer]) -> str | None:
    picks = [act.interaction for act in acts if act.kind == FeedbackKind.PICK and act.interaction in among]
    return picks[-1] if picks else None


def _answer(told: Told, better: Mapping[str | None, str]) -> Answer:
    message = told.completion
    if told.id in better:
        message = Message(role="assistant", content=better[told.id], origin=Origin.USER)
    return Answer(message=message, interaction=told.id, revision=told.revision or "")


def _count(answers: int) -> str:
    return f"{answers} answer{'' if answers == 1 else 's'}"
