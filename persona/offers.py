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
    """Those from which calls were wanted, the most usual first, of equals the newest, MOST_OFFERS at most.

    One for each set of tools, with the system's message that stood before it last: many clients write the day
    or the folder there, which would make every request an offer of its own. `examples` are in the order of
    time.
    """
    known: dict[str, Offer] = {}
    seen: Counter[str] = Counter()
    for example in examples:
        wanted = example.completion if isinstance(example, Demonstration) else example.chosen
        if wanted.tool_calls and example.tools:
            system = tuple(each for each in example.prompt[:1] if each.role == "system")
            name = json.dumps(list(example.tools), default=dict)
            known.pop(name, None)  # the newest stands last
            known[name] = Offer(system=system, tools=tuple(example.tools))
            seen[name] += 1
    newest_first = list(reversed(known))
    return tuple(known[name] for name in sorted(newest_first, key=lambda name: -seen[name])[:MOST_OFFERS])
