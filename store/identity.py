"""Names made of content: pure functions from a record to its id.

An id is a letter and 24 hex digits of SHA-256 over canonical JSON that begins with a version tag, so that
writing the same fact twice writes it once, and damage shows as a name that no longer fits. A record's own
`id` field never takes part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

from store.errors import WrongId
from store.json_forms import (
    canonical,
    example_json,
    instant_text,
    message_json,
    preference_json,
    tool_calls_json,
)
from store.records import (
    DatasetSnapshot,
    Demonstration,
    Example,
    Feedback,
    Interaction,
    Json,
    Message,
    Preference,
    PreferencePair,
    Signal,
)

Named = Interaction | Feedback | Signal | Preference | Demonstration | PreferencePair | DatasetSnapshot
NamedT = TypeVar(
    "NamedT", Interaction, Feedback, Signal, Preference, Demonstration, PreferencePair, DatasetSnapshot
)


def _named(letter: str, tag: str, value: Json) -> str:
    return f"{letter}-{sha256(canonical([tag, value])).hexdigest()[:24]}"


def message_id(parent: str | None, message: Message) -> str:
    """The id of a message that follows the message `parent` (None: it opens the conversation)."""
    return _named("m", "message/1", {"parent": parent} | message_json(message))


def chain_ids(messages: Sequence[Message]) -> list[str]:
    """The ids of messages that follow one another, the first one opening the conversation."""
    ids: list[str] = []
    for message in messages:
        ids.append(message_id(ids[-1] if ids else None, message))
    return ids


def tools_id(tools: Sequence[Mapping[str, Json]]) -> str:
    return _named("t", "tools/1", tools)


def interaction_id(interaction: Interaction) -> str:
    """Named by conversation, prompt, tools, completion and revision, not by `at` and `source`: an export of
    the same conversation with another date is the same talk."""
    return turn_id(
        conversation=interaction.conversation,
        completion=chain_ids((*interaction.prompt, interaction.completion))[-1],
        tools=tools_id(interaction.tools) if interaction.tools else None,
        revision=interaction.revision,
    )


def turn_id(*, conversation: str, completion: str, tools: str | None, revision: str | None) -> str:
    """The interaction's id from the ids of its parts."""
    return _named(
        "i",
        "interaction/1",
        {"conversation": conversation, "completion": completion, "tools": tools, "revision": revision},
    )


def feedback_id(feedback: Feedback) -> str:
    """Named by everything, `at` too: up, down and up again are three acts."""
    return _named(
        "f",
        "feedback/1",
        {
            "kind": feedback.kind.value,
            "at": instant_text(feedback.at),
            "interaction": feedback.interaction,
            "conversation": feedback.conversation,
            "reason": feedback.reason,
            "content": feedback.content,
            "tool_calls": tool_calls_json(feedback.tool_calls),
            "over": feedback.over,
        },
    )


def signal_id(signal: Signal) -> str:
    """Named by everything but `at`: mining the same evidence on another night finds the same signal."""
    return _named(
        "s",
        "signal/1",
        {
            "detector": signal.detector,
            "polarity": signal.polarity,
            "confidence": float(signal.confidence),
            "quote": signal.quote,
            "interaction": signal.interaction,
            "conversation": signal.conversation,
            "feedback": signal.feedback,
        },
    )


def preference_id(preference: Preference) -> str:
    """Named by statement, scope, attribute and source: what it says, not what happened to it since."""
    return _named(
        "p",
        "preference/1",
        {
            "statement": preference.statement,
            "scope": preference.scope,
            "attribute": preference.attribute,
            "source": preference.source,
        },
    )


def example_id(example: Example) -> str:
    return _named("e", "example/1", example_json(example))


def snapshot_id(snapshot: DatasetSnapshot) -> str:
    """Named by the examples, in order, and the preferences, whole; not by `at`."""
    return _named(
        "d",
        "snapshot/1",
        {
            "train": snapshot.train,
            "held_out": snapshot.held_out,
            "preferences": [preference_json(preference) for preference in snapshot.preferences],
        },
    )


def derived_id(record: Named) -> str:
    """The id that the record's content gives it."""
    match record:
        case Interaction():
            return interaction_id(record)
        case Feedback():
            return feedback_id(record)
        case Signal():
            return signal_id(record)
        case Preference():
            return preference_id(record)
        case Demonstration() | PreferencePair():
            return example_id(record)
        case DatasetSnapshot():
            return snapshot_id(record)


def with_id(record: NamedT) -> NamedT:
    """The same record under its derived id: `with_id(Signal(id="", ...))`."""
    return dataclasses.replace(record, id=derived_id(record))


def check_id(record: Named, kind: str) -> None:
    """Raises WrongId unless the record carries its derived id."""
    derived = derived_id(record)
    if record.id != derived:
        raise WrongId(kind, record.id, derived)
