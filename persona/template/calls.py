"""Reads tool calls in the Hermes form, `<tool_call>{json}</tool_call>`, out of what a model wrote.

Never raises: whatever is not a whole, valid call stays content, exactly as written.
"""

from __future__ import annotations

import json
import re
from typing import Any

from persona.template.controls import Controls
from store.records import Message, ToolCall

_BEGIN = "<tool_call>"
# The line break before a call belongs to the call: the template writes one between content and calls.
_BLOCK = re.compile(r"\n?<tool_call>(.*?)</tool_call>", re.DOTALL)


def begins_call(text: str) -> bool:
    """Whether a call begins in the text, be it whole, cut off or broken."""
    return _BEGIN in text


def opens_with_call(text: str) -> bool | None:
    """Whether what is being written opens with a call; None while that cannot be told."""
    head = text.lstrip()
    if head.startswith(_BEGIN):
        return True
    return None if _BEGIN.startswith(head) else False


def read_message(text: str, controls: Controls) -> Message:
    """The assistant's message that `text` (without its end token) is."""
    calls: list[ToolCall] = []
    contents: list[str] = []
    position = 0
    for block in _BLOCK.finditer(text):
        call = _read_call(block[1], controls)
        if call is not None:
            calls.append(call)
            contents.append(text[position : block.start()])
            position = block.end()
    contents.append(text[position:])
    content = controls.mend("".join(contents))
    if calls and not content.strip():
        content = ""
    return Message(role="assistant", content=content, tool_calls=tuple(calls))


def _read_call(text: str, controls: Controls) -> ToolCall | None:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    name, arguments = value.get("name"), value.get("arguments", {})
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        return None
    return ToolCall(name=controls.mend(name), arguments=controls.mend(arguments))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
