"""Whether a tool call fits its tool's schema, and whether it is the wanted one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from store.records import Message, ToolCall

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}


def valid(message: Message, tools: Sequence[Mapping[str, Any]]) -> bool:
    """The answer is at least one call, and each names a tool on offer with arguments that fit its schema."""
    schemas = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in tools}
    return bool(message.tool_calls) and all(
        call.name in schemas and _fits(call.arguments, schemas[call.name]) for call in message.tool_calls
    )


def exact(message: Message, wanted: Sequence[ToolCall]) -> bool:
    """The same calls with equal arguments, in any order; ids do not count."""
    return _plain(message.tool_calls) == _plain(wanted) and bool(wanted)


def _plain(calls: Sequence[ToolCall]) -> list[tuple[str, str]]:
    return sorted((call.name, repr(sorted(call.arguments.items(), key=lambda kv: kv[0]))) for call in calls)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """The part of JSON Schema that tool parameters use: type, enum, properties, required, items."""
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = schema.get("type")
    if kinds is not None:
        names = [kinds] if isinstance(kinds, str) else list(kinds)
        allowed = tuple(t for name in names for t in _TYPES.get(name, (object,)))
        if not isinstance(value, allowed) or (isinstance(value, bool) and "boolean" not in names):
            return False
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        if any(name not in value for name in schema.get("required", ())):
            return False
        if schema.get("additionalProperties") is False and any(name not in properties for name in value):
            return False
        return all(_fits(v, properties[k]) for k, v in value.items() if k in properties)
    if isinstance(value, (list, tuple)) and "items" in schema:
        return all(_fits(v, schema["items"]) for v in value)
    return True
