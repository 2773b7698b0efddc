"""The JSON form of the records, and of instants: what is hashed, and what the JSON columns hold.

Reading back what was written gives an equal record. The order of the keys of tools and arguments is kept,
since a template renders them in that order; `canonical` alone sorts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from store.errors import Unstorable
from store.records import (
    Demonstration,
    Example,
    Json,
    Message,
    Origin,
    Preference,
    PreferencePair,
    PreferenceStatus,
    ToolCall,
)


def dumps(value: Json) -> str:
    """Compact JSON in the order given. Raises Unstorable for NaN, lone surrogates and foreign objects."""
    return _dumps(value, sort_keys=False)


def canonical(value: Json) -> bytes:
    """The one spelling of a JSON value: keys sorted, no spaces, UTF-8. Raises Unstorable as `dumps` does."""
    return _dumps(value, sort_keys=True).encode()


def _dumps(value: Json, *, sort_keys: bool) -> str:
    try:
        text = json.dumps(
            value,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            sort_keys=sort_keys,
            default=_plain,
        )
        text.encode()
    except (TypeError, ValueError) as error:
        raise Unstorable("a value", f"{error}; it has to be JSON in valid Unicode") from error
    return text


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def instant_text(at: datetime) -> str:
    """UTC with microseconds and a fixed width, so that the order of the texts is the order in time."""
    if at.tzinfo is None:
        raise Unstorable(f"the time {at.isoformat()}", "it names no time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def tool_calls_json(calls: Sequence[ToolCall]) -> list[Json]:
    return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]


def tool_calls_from_json(value: Json) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(id=call["id"], name=call["name"], arguments=call["arguments"]) for call in value)


def message_json(message: Message) -> dict[str, Json]:
    return {
        "role": message.role,
        "origin": message.origin.value,
        "content": message.content,
        "tool_calls": tool_calls_json(message.tool_calls),
        "tool_call_id": message.tool_call_id,
    }


def message_from_json(value: Mapping[str, Json]) -> Message:
    return Message(
        role=value["role"],
        origin=Origin(value["origin"]),
        content=value["content"],
        tool_calls=tool_calls_from_json(value["tool_calls"]),
        tool_call_id=value["tool_call_id"],
    )


def preference_json(preference: Preference) -> dict[str, Json]:
    return {
        "id": preference.id,
        "statement": preference.statement,
        "scope": preference.scope,
        "attribute": preference.attribute,
        "source": preference.source,
        "first_seen": instant_text(preference.first_seen),
        "last_seen": instant_text(preference.last_seen),
        "status": preference.status.value,
        "checker": preference.checker,
        "signals": preference.signals,
        "superseded_by": preference.superseded_by,
    }


def preference_from_json(value: Mapping[str, Json]) -> Preference:
    return Preference(
        id=value["id"],
        statement=value["statement"],
        scope=value["scope"],
        attribute=value["attribute"],
        source=value["source"],
        first_seen=instant(value["first_seen"]),
        last_seen=instant(value["last_seen"]),
        status=PreferenceStatus(value["status"]),
        checker=value["checker"],
        signals=tuple(value["signals"]),
        superseded_by=value["superseded_by"],
    )


def example_json(example: Example) -> dict[str, Json]:
    """Everything but the id."""
    answers: dict[str, Json]
    if isinstance(example, Demonstration):
        answers = {"kind": "demonstration", "completion": message_json(example.completion)}
    else:
        answers = {
            "kind": "pair",
            "chosen": message_json(example.chosen),
            "rejected": message_json(example.rejected),
        }
    return answers | {
        "conversation": example.conversation,
        "prompt": [message_json(message) for message in example.prompt],
        "tools": example.tools,
        "signals": example.signals,
        "preferences": example.preferences,
    }


def example_from_json(name: str, value: Mapping[str, Json]) -> Example:
    shared: dict[str, Any] = {
        "id": name,
        "conversation": value["conversation"],
        "prompt": tuple(message_from_json(message) for message in value["prompt"]),
        "tools": tuple(value["tools"]),
        "signals": tuple(value["signals"]),
        "preferences": tuple(value["preferences"]),
    }
    if value["kind"] == "demonstration":
        return Demonstration(completion=message_from_json(value["completion"]), **shared)
    return PreferencePair(
        chosen=message_from_json(value["chosen"]), rejected=message_from_json(value["rejected"]), **shared
    )
