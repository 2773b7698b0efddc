"""Probes: the held-out prompts, and the preferences that an answer to each has to keep.

Calls are probes whether or not a preference speaks about them, and a few plain prompts are: without an
answer nobody could tell whether a candidate's answers end, and no night could be judged. Where too few of the
user's own prompts are held out, shipped ones stand in: everyday questions that nothing trains on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from persona.checker import is_tool_scope
from persona.distill.active import ActivePreference, active_preferences, in_scope
from persona.distill.likeness import prompt_key
from persona.distill.stand_ins import ANY_PROSE, stand_in_prompts, usual_language
from store.records import DatasetSnapshot, Demonstration, Example, Json, Message, Preference

CHATS = 6  # prompts for prose that a night asks, where so many are held out or can stand in
_CALLS, _PLAIN = "calls", "plain"  # what probes without a preference are there for


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One question to a model; `reference` is an answer that the user wanted. Without `preferences` it shows
    the form of the answer, or the calls that are wanted. One that stands in has no conversation, and a
    reference that says nothing.
    """

    conversation: str
    prompt: tuple[Message, ...]
    tools: tuple[Mapping[str, Json], ...]
    reference: Message
    preferences: tuple[Preference, ...]


def probes(snapshot: DatasetSnapshot, examples: Iterable[Example]) -> list[Probe]:
    """One for each held-out prompt, near-identical ones once, in the snapshot's order.

    A preference applies to a prompt when its scope covers it and its checker speaks about the wanted answer:
    style to prose, a habit to calls of its tool. Of the prompts without any all are taken whose wanted answer
    calls tools, and of the others the newest, until CHATS ask for prose. First come those that stand in,
    where a preference that an everyday question has to keep is asked of fewer than CHATS. `examples` may hold
    more than the snapshot does.
    """
    by_id = {example.id: example for example in examples}
    active = active_preferences(snapshot.preferences)
    found: dict[str, Probe] = {}
    for name in snapshot.held_out:
        example = by_id[name]
        answer = example.completion if isinstance(example, Demonstration) else example.chosen
        covering = in_scope(active, example.prompt, example.tools)
        applying = tuple(each.preference for each in covering if each.asks_of(answer))
        key = prompt_key(example.prompt, example.tools)
        if key not in found or (applying and not found[key].preferences):
            found[key] = Probe(
                conversation=example.conversation,
                prompt=example.prompt,
                tools=example.tools,
                reference=answer,
                preferences=applying,
            )
    own = list(found.values())
    wrote = [one.content for each in by_id.values() for one in each.prompt if one.role == "user"]
    return _with_few_plain([*_stand_ins(active, own, wrote), *own])


def _stand_ins(active: Sequence[ActivePreference], own: Sequence[Probe], wrote: Sequence[str]) -> list[Probe]:
    """As many as the preference with the fewest probes lacks, of those that an everyday question has to keep.
    `wrote` is what the user asked, which may be trained on, and so is asked no more.
    """
    found = []
    known = {_asked(text) for text in wrote}
    language = usual_language([*wrote, *(one.preference.statement for one in active)])
    for text in stand_in_prompts(language):
        prompt = (Message(role="user", content=text),)
        applying = tuple(
            one.preference
            for one in in_scope(active, prompt)
            if one.asks_of(ANY_PROSE) and not is_tool_scope(one.preference.scope)
        )
        if applying and _asked(text) not in known:
            found.append(
                Probe(conversation="", prompt=prompt, tools=(), reference=ANY_PROSE, preferences=applying)
            )
    wanted = found[0].preferences if found else ()
    counts = [sum(each in probe.preferences for probe in own) for each in wanted]
    return found[: max(0, CHATS - min(counts, default=CHATS))]


def _asked(text: str) -> str:
    return prompt_key((Message(role="user", content=text),), ())


def _with_few_plain(found: Sequence[Probe]) -> list[Probe]:
    plain = [index for index, probe in enumerate(found) if _purposes(probe) == (_PLAIN,)]
    chats = sum(not probe.reference.tool_calls for probe in found) - len(plain)
    few = min(len(plain), max(0, CHATS - chats))
    left_out = set(plain[: len(plain) - few])
    return [probe for index, probe in enumerate(found) if index not in left_out]


def _purposes(probe: Probe) -> tuple[str, ...]:
    """What it is asked for: its preferences, else the calls that are wanted, else the form."""
    named = tuple(preference.id for preference in probe.preferences)
    return named or ((_CALLS,) if probe.reference.tool_calls else (_PLAIN,))


def bounded(found: Sequence[Probe], most: int) -> list[Probe]:
    """At most `most` of them, in their order: the preferences choose in turns, each its newest probe first;
    behind them so do the calls and the plain prompts that no preference speaks about.

    So a night costs the same after a year, and a preference with few probes is measured like one with many.
    """
    waiting: dict[str, list[int]] = {}
    for index, probe in enumerate(found):
        for purpose in _purposes(probe):
            waiting.setdefault(purpose, []).append(index)
    queues = [waiting[purpose] for purpose in sorted(waiting, key=lambda each: each in (_CALLS, _PLAIN))]
    taken: set[int] = set()
    while len(taken) < min(most, len(found)):
        for queue in queues:
            while queue and queue[-1] in taken:
                queue.pop()
            if queue and len(taken) < most:
                taken.add(queue.pop())
    return [found[index] for index in sorted(taken)]
