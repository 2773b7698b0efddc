"""Corrected choices of tools -> habits of the ledger.

Policy, pure: a tool is preferred to another one when calls of the other were turned into calls of it in two
conversations, and nothing since says that the other one was wanted for anything. Otherwise the request
decides which is right, and what was corrected is only demonstrated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from persona.checker import ToolChoice, tool_scope
from persona.distill.entries import Entries, Key, key_of
from persona.distill.evidence import Judged
from persona.distill.wanted import Held, wanted
from store.identity import with_id
from store.records import Message, Preference, PreferenceStatus, Signal

_SIGHTINGS = 2  # in different conversations


def take_corrected_choices(
    entries: Entries, judged: Iterable[Judged], decided: Mapping[Key, datetime]
) -> None:
    """Bring in the tools that the user keeps choosing over others."""
    corrections: dict[tuple[str, str], list[tuple[str, Signal]]] = {}
    called: dict[str, datetime] = {}
    for each in sorted(judged, key=lambda one: (one.interaction.at, one.interaction.id)):
        verdict = wanted(each.interaction, each.acts, each.inferred)
        if isinstance(verdict, Held):
            continue
        at = max(act.at for act in verdict.acts)
        for call in verdict.message.tool_calls:
            called[call.name] = max(at, called.get(call.name, at))
        if pair := _turned(each.interaction.completion, verdict.message):
            signal = each.signals[verdict.acts[0].id]
            corrections.setdefault(pair, []).append((each.interaction.conversation, signal))
    for (wrong, right), found in sorted(corrections.items()):
        first = found[0][1].at
        if wrong not in called or called[wrong] < first:
            _take(entries, ToolChoice(tool=right, instead_of=wrong), found, decided)


def _turned(original: Message, edited: Message) -> tuple[str, str] | None:
    """(wrong, right) where one call became one call of another tool."""
    if len(original.tool_calls) != 1 or len(edited.tool_calls) != 1:
        return None
    wrong, right = original.tool_calls[0].name, edited.tool_calls[0].name
    return None if wrong == right else (wrong, right)


def _take(
    entries: Entries,
    checker: ToolChoice,
    found: list[tuple[str, Signal]],
    decided: Mapping[Key, datetime],
) -> None:
    first, second = sorted((checker.tool, checker.instead_of))
    key = (tool_scope(first), f"tool.choice.{first}.{second}")
    current = entries.active(key)
    barred = decided.get(key)
    if current is None and barred is not None:
        found = [(conversation, signal) for conversation, signal in found if signal.at > barred]
    if len({conversation for conversation, _ in found}) < _SIGHTINGS:
        return
    signals = [signal for _, signal in found]
    habit = with_id(
        Preference(
            id="",
            statement=f"Use {checker.tool}, not {checker.instead_of}",
            scope=key[0],
            attribute=key[1],
            source="inferred",
            first_seen=signals[0].at,
            last_seen=signals[-1].at,
            status=PreferenceStatus.ACTIVE,
            checker=checker.to_json(),
            signals=tuple(signal.id for signal in signals),
        )
    )
    if current is not None and current.checker == habit.checker:
        entries.sight(current, signals, "calls were corrected so")
        return
    if current is not None and (current.source == "stated" or current.pinned):
        return
    if current is not None:
        entries.step_back(current, by=habit.id, at=habit.last_seen, reason="later corrections differ")
    known = next((entry for entry in entries.of(key_of(habit)) if entry.id == habit.id), None)
    if known is None:
        entries.record(habit, f"corrected so in {_SIGHTINGS} conversations or more")
    else:
        entries.sight(known, signals, "calls were corrected so again")
        entries.revive(known, at=habit.last_seen, reason="calls were corrected so again")
