"""Where a preference holds: always, for one kind of request, or for one tool.

A scope is text in the ledger: "always", "kind:code", "tool:get_weather".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from persona.checker.request import KINDS, request_kind
from persona.checker.statement import ALWAYS
from store.records import Json, Message, Preference

TOOL = "tool:"
KIND = "kind:"


def kind_scope(kind: str) -> str:
    """The scope of a preference about this kind of request; ValueError for a kind that there is not."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of request {kind!r}: known are {', '.join(KINDS)}")
    return f"{KIND}{kind}"


def is_tool_scope(scope: str) -> bool:
    """Is an entry with this scope a habit?"""
    return scope.startswith(TOOL)


def covers(scope: str, prompt: Sequence[Message], tools: Sequence[Mapping[str, Json]] = ()) -> bool:
    """Can an entry with this scope speak about an answer to this prompt?

    One about a tool can where the tool is on offer, or where nothing is said of tools: then its checker
    decides by the calls. A scope that is not known covers nothing.
    """
    if scope == ALWAYS:
        return True
    if scope.startswith(KIND):
        return scope == f"{KIND}{request_kind(prompt)}"
    return is_tool_scope(scope) and (not tools or scope.removeprefix(TOOL) in map(tool_name, tools))


def asked_of(
    preferences: Iterable[Preference], prompt: Sequence[Message], tools: Sequence[Mapping[str, Json]] = ()
) -> list[Preference]:
    """Those whose scope covers an answer to this prompt; what is about its kind of request displaces what is
    always asked about the same attribute."""
    covering = [each for each in preferences if covers(each.scope, prompt, tools)]
    narrow = {each.attribute for each in covering if each.scope.startswith(KIND)}
    return [each for each in covering if each.scope != ALWAYS or each.attribute not in narrow]


def tool_name(tool: Mapping[str, Json]) -> str:
    """The name of an OpenAI tool object, "" when it has none."""
    function = tool.get("function")
    return str(function.get("name", "")) if isinstance(function, Mapping) else ""
