"""Probes: the held-out prompts, and the preferences that an answer to each has to keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from persona.distill.active import active_preferences, in_scope
from persona.distill.likeness import prompt_key
from store.records import DatasetSnapshot, Demonstration, Example, Json, Message, Preference


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One question to a model; `reference` is an answer that the user wanted."""

    conversation: str
    prompt: tuple[Message, ...]
    tools: tuple[Mapping[str, Json], ...]
    reference: Message
    preferences: tuple[Preference, ...]


def probes(snapshot: DatasetSnapshot, examples: Iterable[Example]) -> list[Probe]:
    """One for each held-out prompt, near-identical ones once, in the snapshot's order.

    A preference applies to a prompt when its scope covers it and its checker speaks about the wanted answer:
    style to prose, a habit to calls of its tool. Prompts without any are left out. `examples` may hold more
    than the snapshot does.
    """
    by_id = {example.id: example for example in examples}
    active = active_preferences(snapshot.preferences)
    found: dict[str, Probe] = {}
    for name in snapshot.held_out:
        example = by_id[name]
        answer = example.completion if isinstance(example, Demonstration) else example.chosen
        covering = in_scope(active, example.prompt, example.tools)
        applying = tuple(each.preference for each in covering if each.asks_of(answer))
        if applying:
            found.setdefault(
                prompt_key(example.prompt, example.tools),
                Probe(
                    conversation=example.conversation,
                    prompt=example.prompt,
                    tools=example.tools,
                    reference=answer,
                    preferences=applying,
                ),
            )
    return list(found.values())


def bounded(found: Sequence[Probe], most: int) -> list[Probe]:
    """At most `most` of them, in their order: the preferences choose in turns, each its newest probe first.

    So a night costs the same after a year, and a preference with few probes is measured like one with many.
    """
    waiting: dict[str, list[int]] = {}
    for index, probe in enumerate(found):
        for preference in probe.preferences:
            waiting.setdefault(preference.id, []).append(index)
    taken: set[int] = set()
    while len(taken) < min(most, len(found)):
        for queue in waiting.values():
            while queue and queue[-1] in taken:
                queue.pop()
            if queue and len(taken) < most:
                taken.add(queue.pop())
    return [found[index] for index in sorted(taken)]
