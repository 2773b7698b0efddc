"""Wanted messages -> demonstrations and pairs that agree with the preferences in force.

Invariants: no demonstration and no chosen message breaks an active preference that speaks about it; whatever
is left out is counted under its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from persona.distill.active import ActivePreference, in_scope
from persona.distill.evidence import Judged
from persona.distill.likeness import message_key, prompt_key
from persona.distill.mended import Mended, mended
from persona.distill.selection import MAX_EXAMPLES, Candidate, select
from persona.distill.wanted import Held, Wanted, copies_a_tool, wanted
from store.identity import with_id
from store.records import Demonstration, Example, Message, PreferencePair


@dataclass(kw_only=True, slots=True)
class Drafted:
    """`examples` in the order of their interactions; `dropped` counts what was left out, by reason."""

    examples: list[Example] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def draft(
    judged: Iterable[Judged], active: Sequence[ActivePreference], *, max_examples: int = MAX_EXAMPLES
) -> Drafted:
    """The examples that the acts give under these preferences, and those of corrections whose followers were
    accepted; at most `max_examples`, the best."""
    drafted = Drafted()
    by_prompt: dict[str, Candidate] = {}
    in_order = sorted(judged, key=lambda one: (one.interaction.at, one.interaction.id))
    for each in in_order:
        if not each.acts:
            continue
        verdict = wanted(each.interaction, each.acts, each.inferred)
        if isinstance(verdict, Held):
            drafted.dropped[verdict.reason] += 1
            continue
        asking = in_scope(active, each.interaction.prompt, each.interaction.tools)
        made = _examples(each, verdict, asking, drafted.dropped)
        if made:
            _replace(by_prompt, _candidate(each, made, explicit=True), drafted.dropped)
    for one in mended(in_order):
        key = prompt_key(one.corrected.interaction.prompt, one.corrected.interaction.tools)
        if key in by_prompt and by_prompt[key].explicit:
            drafted.dropped["an act on the same prompt says what was wanted"] += 1
            continue
        interaction = one.corrected.interaction
        if made := _pair(one, in_scope(active, interaction.prompt, interaction.tools), drafted.dropped):
            _replace(by_prompt, _candidate(one.corrected, made, explicit=False), drafted.dropped)
    candidates = sorted(by_prompt.values(), key=lambda each: each.at)
    selection = select(candidates, max_examples=max_examples)
    drafted.examples = list(selection.examples)
    drafted.dropped += selection.dropped  # and forget the reasons that never came up
    return drafted


def _candidate(judged: Judged, made: Sequence[Example], *, explicit: bool) -> Candidate:
    interaction = judged.interaction
    return Candidate(examples=tuple(made), at=interaction.at, source=interaction.source, explicit=explicit)


def _replace(by_prompt: dict[str, Candidate], later: Candidate, dropped: Counter[str]) -> None:
    """Of near-identical prompts the latest counts, in its place."""
    key = prompt_key(later.examples[0].prompt, later.examples[0].tools)
    if earlier := by_prompt.pop(key, None):
        dropped["the same prompt came again later"] += len(earlier.examples)
    by_prompt[key] = later


def _pair(one: Mended, active: Sequence[ActivePreference], dropped: Counter[str]) -> list[Example]:
    """The accepted answer preferred to the corrected one: no demonstration, the user wrote neither."""
    interaction = one.corrected.interaction
    if message_key(one.chosen) == message_key(interaction.completion):
        dropped["a pair whose sides are equal"] += 1
        return []
    if not one.chosen.content.strip() or not interaction.completion.content.strip():
        dropped["a correction of an empty answer, or an empty answer to it"] += 1
        return []
    if copies_a_tool(one.chosen, (*interaction.prompt, *one.heard)):
        dropped["it copies the text of a tool"] += 1
        return []
    if broken := _broken(one.chosen, active):
        dropped[f"it breaks {', '.join(sorted(each.preference.attribute for each in broken))}"] += 1
        return []
    return [
        with_id(
            PreferencePair(
                id="",
                conversation=interaction.conversation,
                prompt=interaction.prompt,
                tools=interaction.tools,
                chosen=one.chosen,
                rejected=interaction.completion,
                signals=tuple(signal.id for signal in one.signals),
                preferences=_kept(one.chosen, active),
            )
        )
    ]


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
        "preferences": _kept(chosen, active),
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


def _kept(message: Message, active: Sequence[ActivePreference]) -> tuple[str, ...]:
    return tuple(each.preference.id for each in active if each.asks_of(message) and each.kept_by(message))


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
