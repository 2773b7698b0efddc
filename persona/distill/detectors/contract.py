"""What a detector is: a pure reader of one exchange that says what the user did, in the user's own words.

Invariant: a detector that makes labels reads only messages that the user wrote. What tools returned tells how
a call ended, never what the user wants.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from persona.distill.signals import Detector
from store.records import Interaction, Message, Origin

REQUEST = -1  # the place of what the user asked for, before the completion


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One interaction and what came after it in its conversation.

    `after` is everything said later on its line, oldest first, to the end; `others` are completions that were
    given later to the very same prompt; `edits` is what the user made of the completion.
    """

    interaction: Interaction
    after: tuple[Message, ...] = ()
    others: tuple[Message, ...] = ()
    edits: tuple[Message, ...] = ()

    @property
    def completion(self) -> Message:
        return self.interaction.completion

    def request(self) -> Message | None:
        """What the user said last before the completion; None where somebody else spoke for the user."""
        said = next((one for one in reversed(self.interaction.prompt) if one.role == "user"), None)
        return said if said is not None and said.origin is Origin.USER else None

    def replies(self) -> list[tuple[int, Message]]:
        """What the user said before the next answer, each with its place in `after`."""
        before = takewhile(lambda placed: placed[1].role != "assistant", enumerate(self.after))
        return [(place, said) for place, said in before if by_user(said)]

    def reply(self) -> tuple[int, Message] | None:
        """The first thing that the user said before the next answer."""
        return next(iter(self.replies()), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What the user asks for instead.

    `attribute` is a hint at what it is about: a ledger attribute where one is clear ("language",
    "length.sentences", "emoji"), or "length", "units", "tool", "tone", "format"; "" where it is not clear.
    `value` is what is wanted of it, the same in every language: "shorter", "de", "metric", "rg"; "" where the
    statement alone says it. `statement` is a wish that stands by itself: plain English for attributes with a
    value, else the user's own words. `span` is what the user wrote. `one_off`: for this answer only.
    """

    attribute: str
    value: str
    statement: str
    span: str
    one_off: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one detector found in one exchange.

    `span` quotes the user's text, or names the act where there is no text. `place` is the index in
    `Exchange.after` of the message that it rests on, REQUEST, or None where it rests on no message.
    """

    detector: Detector
    span: str
    place: int | None = None
    correction: Correction | None = None


class ExchangeDetector(Protocol):
    """Reads one exchange. Pure: the same exchange gives the same findings, and no text makes it raise."""

    def __call__(self, exchange: Exchange, /) -> Iterable[Finding]: ...


def by_user(message: Message) -> bool:
    """Did the user write it? The role alone does not say so: clients put other texts in the user's place."""
    return message.role == "user" and message.origin is Origin.USER
