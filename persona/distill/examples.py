"""Wanted messages -> demonstrations and pairs that agree with the preferences in force.

Invariants: no demonstration and no chosen message breaks an active preference that speaks about it; whatever
is left out is counted under its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from persona.distill.active import ActivePreference
from persona.distill.evidence import Judged
from persona.distill.likeness import message_key, prompt_key
from persona.distill.wanted import Held, Wanted, wanted
from store.identity import with_id
from store.records import Demonstration, Example, Message, PreferencePair

_LARGEST_SHARE = 4  # one conversation gives at most a quarter of the examples,
_ALWAYS_ALLOWED = 8  # or this many


@dataclass(kw_only=True, slots=True)
class Drafted:
    """`examples` in the order of their interactions; `dropped` counts what was left out, by reason."""

    examples: list[Example] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def draft(judged: Iterable[Judged], active: Sequence[ActivePreference]) -> Drafted:
    """Every example that the acts give under these preferences."""
    drafted = Drafted()
    by_prompt: dict[str, list[Example]] = {}
    for each in sorted(judged, key=lambda one: (one.interaction.at, one.interaction.id)):
        if not each.acts:
            continue
        verdict = wanted(each.interaction, each.acts, each.inferred)
        if isinstance(verdict, Held):
            drafted.dropped[verdict.reason] += 1
            continue
        made = _examples(each, verdict, active, drafted.dropped)
        if not made:
            continue
        key = prompt_key(each.interaction.prompt, each.interaction.tools)
        drafted.dropped["the same prompt came again later"] += len(by_prompt.pop(key, ()))
        by_prompt[key] = made
    drafted.examples = _bounded([one for made in by_prompt.values() for one in made], drafted.dropped)
    drafted.dropped += Counter()  # forget the reasons that never came up
    return drafted


def _examples(
    judged: Judged, verdict: Wanted, active: Sequence[ActivePreference], dropped: Counter[str]
) -> list[Example]:
    chosen, rejected = verdict.message, list(verdict.rejected)
    broken = _broken(chosen, active)
    if broken:
        amended = _amended(chosen, broken)
        if _broken(amended, active):
            dropped[f"it breaks {', '.join(sorted(each.preference.attribute for each in broken))}"] += 1
            return []
        rejected = [chosen, *rejected]
        chosen = amended
    shared: dict[str, Any] = {
        "id": "",
        "conversation": judged.interaction.conversation,
        "prompt": judged.interaction.prompt,
        "tools": judged.interaction.tools,
        "signals": tuple(judged.signals[act.id].id for act in verdict.acts),
        "preferences": tuple(
            each.preference.id for each in active if each.asks_of(chosen) and each.kept_by(chosen)
        ),
    }
    made: list[Example] = [with_id(Demonstration(completion=chosen, **shared))]
    seen = {message_key(chosen)}
    for message in rejected:
        if message_key(message) in seen:
            dropped["a pair whose sides are equal"] += 1
        elif not message.content.strip() and not message.tool_calls:
            dropped["a pair with an empty rejected side"] += 1
        else:
            seen.add(message_key(message))
            made.append(with_id(PreferencePair(chosen=chosen, rejected=message, **shared)))
    return made


def _broken(message: Message, active: Sequence[ActivePreference]) -> list[ActivePreference]:
    return [each for each in active if each.asks_of(message) and not each.kept_by(message)]


def _amended(message: Message, broken: Sequence[ActivePreference]) -> Message:
    """The message with superseded literals in the style in force.

    A limit may be broken only as long as the old literal is there, so the whole is judged again afterwards.
    """
    content = message.content
    for each in broken:
        content = each.amend(content) or content
    return replace(message, content=content)


def _bounded(examples: Sequence[Example], dropped: Counter[str]) -> list[Example]:
    """No conversation outweighs the others: its newest examples are kept."""
    limit = max(_ALWAYS_ALLOWED, -(-len(examples) // _LARGEST_SHARE))
    given: Counter[str] = Counter()
    kept = []
    for example in reversed(examples):
        given[example.conversation] += 1
        if given[example.conversation] <= limit:
            kept.append(example)
        else:
            dropped["too many from one conversation"] += 1
    return kept[::-1]
