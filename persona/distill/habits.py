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
from persona.distill.entries import Entries, Key
from persona.distill.evidence import Edit
from persona.distill.sighted import take_sighted
from persona.distill.signals import corrected_arguments
from store.records import Interaction, Json


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
        agreeing = _latest_agreeing(corrections)
        checker = ToolArgument(tool=tool, argument=argument, value=agreeing[0].value)
        value = json.dumps(checker.value, sort_keys=True, ensure_ascii=False)
        take_sighted(
            entries,
            (tool_scope(tool), f"tool.{tool}.{argument}"),
            [each.edit.signal for each in agreeing],
            statement=f"Call {tool} with {argument} = {value}",
            checker=checker,
            decided=decided,
        )


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
