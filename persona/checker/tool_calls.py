"""Habits with tools: which tool, and with which argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import Checker, require_text
from store.records import Json, Message


def same_json(one: Json, other: Json) -> bool:
    """Are two JSON values equal? 5 is 5.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


@dataclass(frozen=True, kw_only=True)
class ToolArgument(Checker):
    """Calls `tool`, and every such call gives `argument` this `value` (a JSON value)."""

    kind: ClassVar[str] = "tool_argument"
    tool: str
    argument: str
    value: Json

    def __post_init__(self) -> None:
        require_text(self.kind, "tool", self.tool)
        require_text(self.kind, "argument", self.argument)

    def passes(self, message: Message) -> bool:
        calls = [call for call in message.tool_calls if call.name == self.tool]
        return bool(calls) and all(
            self.argument in call.arguments and same_json(call.arguments[self.argument], self.value)
            for call in calls
        )

    def applies_to(self, message: Message) -> bool:
        return any(call.name == self.tool for call in message.tool_calls)

    def describe(self) -> str:
        return f"calls {self.tool} with {self.argument} = {self.value!r}"


@dataclass(frozen=True, kw_only=True)
class ToolChoice(Checker):
    """Calls `tool` where `instead_of` would do the same."""

    kind: ClassVar[str] = "tool_choice"
    tool: str
    instead_of: str

    def __post_init__(self) -> None:
        require_text(self.kind, "tool", self.tool)
        require_text(self.kind, "instead_of", self.instead_of)

    def passes(self, message: Message) -> bool:
        names = {call.name for call in message.tool_calls}
        return self.tool in names and self.instead_of not in names

    def applies_to(self, message: Message) -> bool:
        return any(call.name in (self.tool, self.instead_of) for call in message.tool_calls)

    def describe(self) -> str:
        return f"calls {self.tool}, not {self.instead_of}"
