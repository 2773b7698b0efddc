"""Corrected tool calls -> habits of the ledger.

Policy, pure: explicit beats inferred, so a habit never displaces what the user stated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from persona.checker import ToolArgument, same_json, tool_scope
from persona.distill.entries import Entries, Key, key_of
from persona.distill.evidence import Edit
from persona.distill.signals import corrected_arguments
from store.identity import with_id
from store.records import Interaction, Json, Preference, PreferenceStatus

_SIGHTINGS_OF_A_HABIT = 2  # in different conversations


@dataclass(frozen=True, kw_only=True, slots=True)
class _Correction:
    """One argument that the user set or changed in one call."""

    edit: Edit
    value: Json


def take_corrected_calls(entries: Entries, edits: Iterable[Edit], decided: Mapping[Key, datetime]) -> None:
    """Arguments that the user keeps correcting to one value become habits.

    The latest corrections of an argument decide: when they agree in two conversations at least, and the value
    was not in the request itself, it is a habit.
    """
    for (tool, argument), corrections in sorted(_corrections(edits).items()):
        key = (tool_scope(tool), f"tool.{tool}.{argument}")
        current = entries.active(key)
        barred = decided.get(key)
        agreeing = _latest_agreeing(corrections)
        if current is None and barred is not None:
            agreeing = [each for each in agreeing if each.edit.signal.at > barred]
        if len({each.edit.interaction.conversation for each in agreeing}) < _SIGHTINGS_OF_A_HABIT:
            continue
        _take_habit(entries, ToolArgument(tool=tool, argument=argument, value=agreeing[0].value), agreeing)


def _corrections(edits: Iterable[Edit]) -> dict[tuple[str, str], list[_Correction]]:
    """By tool and argument, oldest first."""
    found: dict[tuple[str, str], list[_Correction]] = {}
    for edit in sorted(edits, key=lambda each: (each.signal.at, each.signal.id)):
        calls = corrected_arguments(edit.interaction.completion.tool_calls, edit.feedback.tool_calls)
        for tool, argument, value in calls:
            if not _was_asked_for(value, edit.interaction):
                found.setdefault((tool, argument), []).append(_Correction(edit=edit, value=value))
    return found


def _was_asked_for(value: Json, interaction: Interaction) -> bool:
    """A value that the request names belongs to the request, and is no habit."""
    request = next((said.content for said in reversed(interaction.prompt) if said.role == "user"), "")
    if isinstance(value, (dict, list, bool)) or value is None:
        return False
    words = r"\s+".join(map(re.escape, str(value).split()))
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", request, re.IGNORECASE) is not None


def _latest_agreeing(corrections: Sequence[_Correction]) -> list[_Correction]:
    latest = corrections[-1].value
    agreeing = takewhile(lambda each: same_json(each.value, latest), reversed(corrections))
    return list(agreeing)[::-1]


def _take_habit(entries: Entries, checker: ToolArgument, corrections: Sequence[_Correction]) -> None:
    signals = [each.edit.signal for each in corrections]
    value = json.dumps(checker.value, sort_keys=True, ensure_ascii=False)
    habit = with_id(
        Preference(
            id="",
            statement=f"Call {checker.tool} with {checker.argument} = {value}",
            scope=tool_scope(checker.tool),
            attribute=f"tool.{checker.tool}.{checker.argument}",
            source="inferred",
            first_seen=signals[0].at,
            last_seen=signals[-1].at,
            status=PreferenceStatus.ACTIVE,
            checker=checker.to_json(),
            signals=tuple(signal.id for signal in signals),
        )
    )
    current = entries.active(key_of(habit))
    if current is not None and current.checker == habit.checker:
        entries.sight(current, signals, "calls were corrected so")
        return
    if current is not None and (current.source == "stated" or current.pinned):
        return  # what is stated comes first, and what was pinned stays
    if current is not None:
        entries.step_back(current, by=habit.id, at=habit.last_seen, reason="later corrections differ")
    known = next((entry for entry in entries.of(key_of(habit)) if entry.id == habit.id), None)
    if known is None:
        entries.record(habit, f"corrected so in {_SIGHTINGS_OF_A_HABIT} conversations or more")
    else:
        entries.sight(known, signals, "calls were corrected so again")
        entries.revive(known, at=habit.last_seen, reason="calls were corrected so again")
