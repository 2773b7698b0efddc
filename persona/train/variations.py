"""Requests of the user with other values in them: what practice is for style, this is for calls.

A few requests teach the form of a call, and seen again and again their very values too. So what a call took
from its request, word for word, is exchanged there and in the call for what another request of the user's
gave to the same argument of the same tool: what stays the same is that it is copied. Nothing in a variation
was written by anyone else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from store.records import Demonstration, Example, ToolCall

Place = tuple[str, str]
"""A tool and one of its arguments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """An example whose wanted side is one call; `copied` are the arguments whose value stands once in what
    the user asked, and where."""

    example: Example
    call: ToolCall
    copied: Mapping[str, tuple[int, int]]


def variations(examples: Sequence[Example], *, each: int, seed: int) -> list[tuple[Example, Demonstration]]:
    """At most `each` of every request that a call copied from, beside its example; the same for one seed.

    None asks what an example asks already, nor what another variation does.
    """
    shuffle = random.Random(seed)  # noqa: S311  # a choice among values, not a secret
    requests = [found for example in examples if (found := _request(example)) is not None]
    values: dict[Place, list[str]] = {}
    for request in requests:
        for name in request.copied:
            known = values.setdefault((request.call.name, name), [])
            if (value := str(request.call.arguments[name])) not in known:
                known.append(value)
    asked = {example.prompt[-1].content for example in examples}
    made: list[tuple[Example, Demonstration]] = []
    varied: set[str] = set()
    for request in requests:
        text = request.example.prompt[-1].content
        if text in varied:
            continue  # a pair and a demonstration of one request
        varied.add(text)
        for variation in _varied(request, values, each, shuffle):
            if variation.prompt[-1].content not in asked:
                asked.add(variation.prompt[-1].content)
                made.append((request.example, variation))
    return made


def _request(example: Example) -> _Request | None:
    wanted = example.completion if isinstance(example, Demonstration) else example.chosen
    if len(wanted.tool_calls) != 1 or not example.prompt or example.prompt[-1].role != "user":
        return None
    (call,) = wanted.tool_calls
    text = example.prompt[-1].content
    copied: dict[str, tuple[int, int]] = {}
    for name, value in call.arguments.items():
        if isinstance(value, str) and value.strip():
            places = [m.span() for m in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text)]
            if len(places) == 1:
                copied[name] = places[0]
    spans = sorted(copied.values())
    apart = all(one[1] <= other[0] for one, other in pairwise(spans))
    return _Request(example=example, call=call, copied=copied) if copied and apart else None


def _varied(
    request: _Request, values: Mapping[Place, Sequence[str]], count: int, shuffle: random.Random
) -> Iterator[Demonstration]:
    text, call = request.example.prompt[-1].content, request.call
    for _ in range(count):
        said, arguments = text, dict(call.arguments)
        for name, (start, end) in sorted(request.copied.items(), key=lambda each: -each[1][0]):
            others = [each for each in values[call.name, name] if each not in text]
            if others:
                arguments[name] = shuffle.choice(others)
                said = f"{said[:start]}{arguments[name]}{said[end:]}"
        if said != text:
            yield _demonstration(request.example, said, replace(call, arguments=arguments))


def _demonstration(example: Example, said: str, call: ToolCall) -> Demonstration:
    wanted = example.completion if isinstance(example, Demonstration) else example.chosen
    return Demonstration(
        id=example.id,
        conversation=example.conversation,
        prompt=(*example.prompt[:-1], replace(example.prompt[-1], content=said)),
        tools=example.tools,
        completion=replace(wanted, tool_calls=(call,)),
        signals=example.signals,
        preferences=example.preferences,
    )
