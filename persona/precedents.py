"""Precedents: what the user asked before, with the call that was wanted, stands before a request like it.

A small base learns which tool and which usual values in a night, and still takes one tool for another and
writes a title in words of its own: two requests of the same kind with their calls show both. Whether to call
at all is decided without them, since requests that all were answered by calls invite one more; but where the
words are nearly the same, they decide. Pure, but for `precedents_for`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from persona.checker import tool_name
from persona.engine.protocol import Completion, Prompt
from persona.report import EvalReport
from persona.template.calls import opens_with_call
from store import Store
from store.json_forms import tool_calls_from_json, tool_calls_json
from store.records import Demonstration, Example, Json, Message

AT_ONCE = 2  # one alone is taken for the beginning of a talk, and prose follows
MOST_KNOWN = 400  # the newest: each is compared with every request that has tools
SURE = 0.6  # of 0..1, how alike both have to be before a call is wanted whatever is answered without them
_LONGEST = 600  # characters of a request and its calls: a small base has a small context
_UNKNOWN = ""  # stands for a word that no precedent has, the rarest of all
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Precedent:
    """A request that the user made, and the assistant's message with the calls that were wanted."""

    request: str
    answer: Message

    @property
    def turns(self) -> tuple[Message, Message]:
        return Message(role="user", content=self.request), self.answer

    def to_json(self) -> dict[str, Json]:
        """The inverse of `from_json`."""
        return {"request": self.request, "calls": tool_calls_json(self.answer.tool_calls)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Json]) -> Precedent:
        calls = tool_calls_from_json(plain["calls"])
        return cls(request=plain["request"], answer=Message(role="assistant", content="", tool_calls=calls))


@dataclass(frozen=True, kw_only=True, slots=True)
class Preceded:
    """A prompt with precedents in it; `sure`: they are so alike that a call is wanted."""

    prompt: Prompt
    sure: bool


def precedents(examples: Iterable[Example]) -> tuple[Precedent, ...]:
    """Of examples in the order of time, the newest of each request, oldest first, MOST_KNOWN at most.

    Only requests in the user's own words: what follows a tool's result rests on it.
    """
    found: dict[tuple[str, ...], Precedent] = {}
    for example in examples:
        wanted = example.completion if isinstance(example, Demonstration) else example.chosen
        asked = example.prompt[-1]
        if asked.role != "user" or not wanted.tool_calls:
            continue
        calls = tuple(replace(call, id="") for call in wanted.tool_calls)
        if len(asked.content) + sum(len(str(call.arguments)) for call in calls) > _LONGEST:
            continue
        key = tuple(_words(asked.content))
        found.pop(key, None)  # the newest goes to the end
        answer = Message(role="assistant", content="", tool_calls=calls)
        found[key] = Precedent(request=asked.content, answer=answer)
    return tuple(found.values())[-MOST_KNOWN:]


def precedents_for(store: Store, revision: str) -> tuple[Precedent, ...]:
    """Those that this revision (content id) calls better with, as its own night measured it; else none.

    They are of the newest snapshot, which holds nothing that was forgotten.
    """
    run = store.runs.of_revision(revision)
    if run is None or run.report is None:
        return ()
    report = EvalReport.from_json(run.report)
    if report.candidate.revision != revision or report.precedents is None or not report.precedents.gains:
        return ()
    return newest_precedents(store)


def newest_precedents(store: Store) -> tuple[Precedent, ...]:
    """Those of the newest snapshot, whatever a gate said of them."""
    snapshot = store.snapshots.latest()
    return () if snapshot is None else precedents(store.examples.get([*snapshot.train, *snapshot.held_out]))


def preceded(prompt: Prompt, known: Sequence[Precedent]) -> Preceded | None:
    """The prompt with the AT_ONCE precedents that are most like its request, the most alike last.

    None where there are fewer whose tools are on offer, or the last word is not the user's. They stand behind
    the system's message and before the whole conversation, which stays as it was.
    """
    asked = prompt.messages[-1]
    if asked.role != "user" or not prompt.tools:
        return None
    names = {tool_name(tool) for tool in prompt.tools}
    usable = [each for each in known if names.issuperset(call.name for call in each.answer.tool_calls)]
    if len(usable) < AT_ONCE:
        return None
    nearest = _nearest(asked.content, usable)
    turns = [turn for _, each in nearest for turn in each.turns]
    system = prompt.messages[:1] if prompt.messages[0].role == "system" else ()
    return Preceded(
        prompt=replace(prompt, messages=(*system, *turns, *prompt.messages[len(system) :])),
        sure=all(likeness >= SURE for likeness, _ in nearest),
    )


def again(
    prompts: Sequence[Prompt], plain: Sequence[Completion], known: Sequence[Precedent]
) -> dict[int, Prompt]:
    """What to ask once more, by its place: with precedents, what was answered by a call without them, and
    what they are sure about."""
    found: dict[int, Prompt] = {}
    for n, (prompt, answer) in enumerate(zip(prompts, plain, strict=True)):
        with_them = preceded(prompt, known)
        if with_them is not None and (with_them.sure or opens_with_call(answer.text)):
            found[n] = with_them.prompt
    return found


def instead(plain: Sequence[Completion], answered: Mapping[int, Completion]) -> list[Completion]:
    """The `plain` answers, and in their place those that were `answered` with precedents by a call."""
    return [
        answered[n] if n in answered and opens_with_call(answered[n].text) else answer
        for n, answer in enumerate(plain)
    ]


def _nearest(request: str, known: Sequence[Precedent]) -> list[tuple[float, Precedent]]:
    """How alike (0..1) and which, the most alike last: by the words that two requests share, rare ones
    weighing more; of equals the newest."""
    each = [frozenset(_words(one.request)) for one in known]
    weights = _rarity(each)
    words = frozenset(_words(request))
    ranked = sorted((_likeness(words, each[n], weights), n) for n in range(len(known)))
    return [(likeness, known[n]) for likeness, n in ranked[-AT_ONCE:]]


def _likeness(one: frozenset[str], other: frozenset[str], weights: Mapping[str, float]) -> float:
    def weight(words: frozenset[str]) -> float:
        return math.fsum(weights.get(word, weights[_UNKNOWN]) for word in words)

    whole = math.sqrt(weight(one) * weight(other))
    return weight(one & other) / whole if whole else 0.0


def _rarity(texts: Sequence[frozenset[str]]) -> dict[str, float]:
    counts = Counter(word for words in texts for word in words)
    weights = {word: 1.0 + math.log(len(texts) / count) for word, count in counts.items()}
    return {**weights, _UNKNOWN: 1.0 + math.log(len(texts))}


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
