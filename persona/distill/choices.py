"""Corrected choices of tools -> habits of the ledger.

Policy, pure: a tool is preferred to another one when calls of the other were turned into calls of it in two
conversations, and nothing since says that the other one was wanted for anything. Otherwise the request
decides which is right, and what was corrected is only demonstrated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from persona.checker import ToolChoice, tool_scope
from persona.distill.entries import Entries, Key
from persona.distill.evidence import Judged
from persona.distill.sighted import take_sighted
from persona.distill.wanted import Held, wanted
from store.records import Message, Signal


def take_corrected_choices(
    entries: Entries, judged: Iterable[Judged], decided: Mapping[Key, datetime]
) -> None:
    """Bring in the tools that the user keeps choosing over others."""
    corrections: dict[tuple[str, str], list[Signal]] = {}
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
            corrections.setdefault(pair, []).append(signal)
    for (wrong, right), found in sorted(corrections.items()):
        first = found[0].at
        if wrong not in called or called[wrong] < first:
            one, other = sorted((wrong, right))
            take_sighted(
                entries,
                (tool_scope(one), f"tool.choice.{one}.{other}"),
                found,
                statement=f"Use {right}, not {wrong}",
                checker=ToolChoice(tool=right, instead_of=wrong),
                decided=decided,
            )


def _turned(original: Message, edited: Message) -> tuple[str, str] | None:
    """(wrong, right) where one call became one call of another tool."""
    if len(original.tool_calls) != 1 or len(edited.tool_calls) != 1:
        return None
    wrong, right = original.tool_calls[0].name, edited.tool_calls[0].name
    return None if wrong == right else (wrong, right)
