"""How tools are used: for which kind of request, with which arguments mostly, and how it ends. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from persona.checker import request_kind
from persona.distill.signals import Detector
from store.records import Interaction, Json, Signal

_MOSTLY = 0.6  # of the calls that give the argument
_FEWEST = 2  # calls, before a value is usual
_GOOD = (Detector.TOOL_OK, Detector.TOOL_FIXED)
_ENDS = (*_GOOD, Detector.TOOL_EMPTY, Detector.TOOL_ERROR)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolUse:
    """One tool for one kind of request. `usual` are arguments with the value that most calls give them.

    `ended` counts the calls whose result is known, `succeeded` those of them without an error and not empty.
    `corrected` counts the calls that the user corrected.
    """

    kind: str
    tool: str
    calls: int
    usual: Mapping[str, Json]
    ended: int
    succeeded: int
    corrected: int

    @property
    def success(self) -> float | None:
        return self.succeeded / self.ended if self.ended else None


@dataclass(kw_only=True, slots=True)
class _Seen:
    calls: int = 0
    ended: int = 0
    succeeded: int = 0
    corrected: int = 0
    values: dict[str, Counter[str]] = field(default_factory=dict)


def usage(interactions: Iterable[Interaction], signals: Iterable[Signal]) -> list[ToolUse]:
    """What the calls show, the most frequent first. Where several calls were made at once their results are
    taken together."""
    marks: dict[str, set[str]] = {}
    for signal in signals:
        if signal.interaction is not None:
            marks.setdefault(signal.interaction, set()).add(signal.detector)
    seen: dict[tuple[str, str], _Seen] = {}
    for interaction in interactions:
        kind = request_kind(interaction.prompt) if interaction.completion.tool_calls else ""
        known = marks.get(interaction.id, set())
        for call in interaction.completion.tool_calls:
            one = seen.setdefault((kind, call.name), _Seen())
            one.calls += 1
            one.corrected += Detector.CORRECTED_CALL in known
            one.ended += not known.isdisjoint(_ENDS)
            one.succeeded += not known.isdisjoint(_GOOD)
            for argument, value in call.arguments.items():
                written = json.dumps(value, sort_keys=True, ensure_ascii=False)
                one.values.setdefault(argument, Counter())[written] += 1
    found = [
        ToolUse(
            kind=kind,
            tool=tool,
            calls=one.calls,
            usual=_usual(one.values),
            ended=one.ended,
            succeeded=one.succeeded,
            corrected=one.corrected,
        )
        for (kind, tool), one in seen.items()
    ]
    return sorted(found, key=lambda use: (-use.calls, use.tool, use.kind))


def _usual(values: Mapping[str, Counter[str]]) -> dict[str, Json]:
    usual = {}
    for argument, counts in sorted(values.items()):
        ((written, count),) = counts.most_common(1)
        if count >= _FEWEST and count >= _MOSTLY * counts.total():
            usual[argument] = json.loads(written)
    return usual
