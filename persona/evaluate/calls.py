"""Whether a tool call fits its tool's schema, and whether it is the wanted one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from store.records import Message, ToolCall


def valid(message: Message, tools: Sequence[Mapping[str, Any]]) -> bool:
    """The answer is at least one call, and each names a tool on offer with arguments that fit its schema."""
    schemas = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in tools}
    return bool(message.tool_calls) and all(
        call.name in schemas and Draft202012Validator(schemas[call.name]).is_valid(dict(call.arguments))
        for call in message.tool_calls
    )


def exact(message: Message, wanted: Sequence[ToolCall]) -> bool:
    """The same calls with equal arguments, in any order; ids do not count."""
    return bool(wanted) and _plain(message.tool_calls) == _plain(wanted)


def _plain(calls: Sequence[ToolCall]) -> list[str]:
    return sorted(json.dumps([call.name, call.arguments], sort_keys=True, default=dict) for call in calls)
