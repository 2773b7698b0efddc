"""When two messages say the same, and when two prompts ask the same."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from persona.checker import tool_name
from store.records import Json, Message, ToolCall

_NOT_WORDS = re.compile(r"[\W_]+")


def calls_key(calls: Iterable[ToolCall]) -> str:
    """Equal for calls of the same tools with the same arguments, whatever their ids and key order."""
    return json.dumps([[call.name, call.arguments] for call in calls], sort_keys=True, default=dict)


def message_key(message: Message) -> tuple[str, str]:
    """Equal for messages that differ at most in white space: punctuation may be what a user corrected."""
    text = " ".join(unicodedata.normalize("NFC", message.content).split())
    return text, calls_key(message.tool_calls)


def prompt_key(prompt: Sequence[Message], tools: Iterable[Mapping[str, Json]]) -> str:
    """Equal for prompts that differ at most in case, punctuation and white space, with the same tools."""
    spoken = [(message.role, _words(message.content), calls_key(message.tool_calls)) for message in prompt]
    return json.dumps([spoken, sorted(map(tool_name, tools))])


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WORDS.sub(" ", folded).strip() or folded
