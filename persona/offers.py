"""Sets of tools that stand before a user's requests, whether or not a request wants a call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.records import Demonstration, Example, Json, Message

MOST_OFFERS = 4  # one that was there once teaches little


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a model reads before a request: the system's message, if there is one, and the tools."""

    system: tuple[Message, ...]
    tools: tuple[Mapping[str, Json], ...]

    def before(self, text: str) -> tuple[Message, ...]:
        """The messages of a request behind it."""
        return (*self.system, Message(role="user", content=text))


def offers(examples: Sequence[Example]) -> tuple[Offer, ...]:
    """Those from which calls were wanted, the most usual first, MOST_OFFERS at most."""
    known: dict[str, Offer] = {}
    seen: Counter[str] = Counter()
    for example in examples:
        wanted = example.completion if isinstance(example, Demonstration) else example.chosen
        if wanted.tool_calls and example.tools:
            system = tuple(each for each in example.prompt[:1] if each.role == "system")
            name = json.dumps([[each.content for each in system], list(example.tools)], default=dict)
            known.setdefault(name, Offer(system=system, tools=tuple(example.tools)))
            seen[name] += 1
    return tuple(known[name] for name, _ in seen.most_common(MOST_OFFERS))
