"""A simulated person: what they ask, what they want and when, and what they make of an answer.

Everything follows from (person, night, seed); nothing is random that a second run would not repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from people import evening
from persona.checker import Checker
from persona.engine.protocol import Prompt
from persona.evaluate.calls import exact
from store.records import Message, ToolCall

NIGHTS = 7  # that a person's prompts last for
_EDITS = 6  # come first: an evening with fewer requests goes without some of what is beside them


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One preference, in force from night `since` to night `until`, both counted (None: for good).

    contested: the person contradicts themselves about it, so nothing is expected. by_others: only hostile
    text ever asked for it, so it must never show. tells: an answer that keeps it, once it is given up, shows
    that it is left over.
    """

    statement: str
    checker: Checker
    since: int = 1
    until: int | None = None
    contested: bool = False
    by_others: bool = False
    tells: bool = True

    def in_force(self, night: int) -> bool:
        ended = self.until is not None and night > self.until
        return night >= self.since and not ended and not self.contested and not self.by_others

    def unwanted(self, night: int) -> bool:
        """Given up by this night, or never the person's own."""
        return self.by_others or (self.tells and self.until is not None and night > self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One request. `own` is the answer as the person would write it, "" where they rework the model's; `call`
    is the call that they want.
    """

    prompt: Prompt
    own: str = ""
    call: ToolCall | None = None

    @property
    def text(self) -> str:
        """The request itself: what the user wrote last."""
        return next(m.content for m in reversed(self.prompt.messages) if m.role == "user")


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """A request that is never taught. An answer is right when every checker of `wanted` passes; `residue`
    and `contested` are only counted. `call` is the exact call where one is asked for.
    """

    prompt: Prompt
    wanted: tuple[Wish, ...]
    residue: tuple[Wish, ...] = ()
    contested: tuple[Wish, ...] = ()
    call: ToolCall | None = None

    def right(self, answer: Message) -> bool:
        """Is this answer all that the person wants, the exact call included?"""
        if self.call is not None and not exact(answer, [self.call]):
            return False
        return all(wish.checker.passes(answer) for wish in self.wanted)


Rework = Callable[[Ask, str, int, Random], Message]
"""What the person makes of an answer: (ask, the model's text, night, dice) -> the message they want."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """`pools` are requests of which every night gets an even share. All answers are edited but for as many as
    `besides` names: those get a pick, an up, a down, a nudge or none; the last are left out on evenings that
    would have too few edits. `idle` are asked as well, and their answers let be. `says` are the preferences
    stated on a night.
    """

    id: str
    about: str
    language: str
    wishes: tuple[Wish, ...]
    rework: Rework
    draft: Callable[[Ask, Random], Message]
    pools: tuple[tuple[Ask, ...], ...]
    held_out_asks: tuple[Ask, ...]
    idle: tuple[Ask, ...] = ()
    besides: tuple[str, ...] = ()
    says: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    complaint: str = ""
    nudge: str = ""

    def teaching(self, night: int, seed: int = 0) -> list[dict[str, Any]]:
        """The conversations of the day before this night (1 to NIGHTS), in the interchange format.

        Another seed deals the same prompts to other nights and acts. Raises ValueError for other nights.
        """
        asks = self._asks(night, seed)
        dice = Random(f"{self.id}/{seed}/{night}")
        besides = self.besides[: max(0, len(asks) - _EDITS)]
        acts = ["edit"] * (len(asks) - len(besides)) + list(besides)
        dice.shuffle(acts)
        said = self.says.get(night, ())
        talks = []
        for ask, act in zip(asks, acts, strict=True):
            draft = self.draft(ask, dice)
            wanted = self.rework(ask, draft.content, night, dice)
            talks.append(evening.Talk(ask=ask, act=act, draft=draft, wanted=wanted))
        idle = self._share(self.idle, night, seed)
        talks += [evening.Talk(ask=ask, act="none", draft=self.draft(ask, dice), wanted=None) for ask in idle]
        return evening.conversations(
            talks,
            name=f"{self.id}-{seed}-{night}",
            night=night,
            said=said,
            complaint=self.complaint,
            nudge=self.nudge,
        )

    def held_out(self, night: int) -> list[HeldOut]:
        """The same requests every night, with what holds on this one."""
        _check(night)
        return [
            HeldOut(
                prompt=ask.prompt,
                wanted=tuple(wish for wish in self.in_force(night) if _concerns(wish, ask)),
                residue=tuple(wish for wish in self.wishes if wish.unwanted(night)),
                contested=tuple(wish for wish in self.wishes if wish.contested),
                call=ask.call,
            )
            for ask in self.held_out_asks
        ]

    def in_force(self, night: int) -> tuple[Wish, ...]:
        """What the person wants on this night."""
        _check(night)
        return tuple(wish for wish in self.wishes if wish.in_force(night))

    def _asks(self, night: int, seed: int) -> list[Ask]:
        _check(night)
        dealt: list[Ask] = []
        for turn, pool in enumerate(self.pools):  # turned, so that uneven shares even out
            dealt += self._share(pool, night + 2 * turn, seed)
        Random(f"{self.id}/{seed}/{night}/order").shuffle(dealt)
        return dealt

    def _share(self, pool: Sequence[Ask], night: int, seed: int) -> list[Ask]:
        order = list(pool)
        Random(f"{self.id}/{seed}").shuffle(order)
        return order[(night - 1) % NIGHTS :: NIGHTS]


def _concerns(wish: Wish, ask: Ask) -> bool:
    """Of habits, only those that the wanted call itself keeps: a train has no minutes."""
    return ask.call is None or wish.checker.passes(Message(role="assistant", tool_calls=(ask.call,)))


def _check(night: int) -> None:
    if not 1 <= night <= NIGHTS:
        raise ValueError(f"night {night}: the people teach on the nights 1 to {NIGHTS}")
