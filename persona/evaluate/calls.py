"""Whether a tool call fits its tool's schema, and whether it is the wanted one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from persona.template.calls import begins_call
from store.records import Message, ToolCall


def valid(message: Message, tools: Sequence[Mapping[str, Any]]) -> bool:
    """The answer is at least one call, and each names a tool on offer with arguments that fit its schema.

    A schema that is none (an unknown type, a pattern that Python cannot read) asks for nothing.
    """
    schemas = {tool["function"]["name"]: tool["function"].get("parameters") for tool in tools}
    return bool(message.tool_calls) and all(
        call.name in schemas and _fits(call.arguments, schemas[call.name]) for call in message.tool_calls
    )


def _fits(arguments: Mapping[str, Any], schema: object) -> bool:
    if not isinstance(schema, Mapping):
        return True
    try:
        Draft202012Validator.check_schema(schema)
        # With a registry of its own it fetches nothing that a schema refers to.
        return bool(Draft202012Validator(schema, registry=Registry()).is_valid(dict(arguments)))
    except (SchemaError, Unresolvable, re.error):
        return True


def begun(message: Message) -> bool:
    """A call was made, or begun: one that is cut off is no prose."""
    return bool(message.tool_calls) or begins_call(message.content)


def exact(message: Message, wanted: Sequence[ToolCall]) -> bool:
    """The same calls with equal arguments, in any order; ids do not count."""
    return bool(wanted) and _plain(message.tool_calls) == _plain(wanted)


def _plain(calls: Sequence[ToolCall]) -> list[str]:
    return sorted(json.dumps([call.name, call.arguments], sort_keys=True, default=dict) for call in calls)
