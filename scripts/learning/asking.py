"""How much is asked of every arm: the held-out prompts, the neutral ones, the capability suite.

What is chosen by a measurement must not be praised by the same one: the comparison asks some of a person's
held-out prompts (JUDGED), the sweep only what it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from people import HeldOut, Person, Wish

from persona.engine.protocol import Prompt
from store.json_forms import message_from_json, message_json

T = TypeVar("T")

JUDGED = 16  # held-out prompts of each person that the comparison asks, evenly spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """prompts: held-out ones of each person, None all. tokens: of an answer at most. neutral: prompts that
    drift is measured on. items: of each part of the capability suite, None all, 0 none of it. beside: so many
    evenly spread ones are somebody else's, and `prompts` are taken from those that they leave.
    """

    prompts: int | None = None
    tokens: int = 160
    neutral: int = 32
    items: int | None = None
    beside: int = 0

    def to_json(self) -> dict[str, Any]:
        """Without `beside` where it is none: cells are kept by a hash of this, and older ones have none."""
        plain = asdict(self)
        return plain if self.beside else {name: value for name, value in plain.items() if name != "beside"}

    def held_out(self, person: Person, night: int) -> list[HeldOut]:
        asked = person.held_out(night)
        others = [each.prompt for each in spread(asked, self.beside)]
        return spread([each for each in asked if each.prompt not in others], self.prompts)


def spread(things: Sequence[T], most: int | None) -> list[T]:
    """So many of them at most, evenly spread, so that every kind of request stays among them."""
    if most is None or most >= len(things):
        return list(things)
    return [things[int(n * len(things) / most)] for n in range(most)]


def expectations(held_out: Sequence[HeldOut]) -> list[dict[str, Any]]:
    """Plain values that change with what is asked or with what would count as right."""
    return [
        {
            "prompt": prompt_json(each.prompt),
            "wanted": [_wish(wish) for wish in each.wanted],
            "residue": [_wish(wish) for wish in each.residue],
            "call": None if each.call is None else [each.call.name, dict(each.call.arguments)],
        }
        for each in held_out
    ]


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    """The inverse of `prompt_from_json`."""
    return {
        "messages": [message_json(message) for message in prompt.messages],
        "tools": [dict(tool) for tool in prompt.tools],
    }


def prompt_from_json(plain: Mapping[str, Any]) -> Prompt:
    return Prompt(
        messages=tuple(message_from_json(message) for message in plain["messages"]),
        tools=tuple(plain["tools"]),
    )


def _wish(wish: Wish) -> dict[str, Any]:
    return {"statement": wish.statement, "checker": wish.checker.to_json(), "since": wish.since}
