"""What another server answered, overheard: its events or its document as the message that was said.

Nothing here changes what the client gets. What cannot be read is None, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from store.records import Message, ToolCall

Json = Any
MOST_BYTES = 8 * 2**20  # of an answer that is kept; a longer one still reaches the client

# The event with which each dialect ends a stream. What is said stands in JSON, whose lines begin otherwise.
_END = re.compile(
    rb"^(?:data: ?\[DONE\]|event: ?(?:message_stop|response\.(?:completed|incomplete|failed)))", re.MULTILINE
)
_LONGEST_END = 64
_WHOLE_RESPONSE = ("response.completed", "response.incomplete")  # the latter was cut off at its length


class Heard:
    """Bytes of one answer as they pass by."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._too_long = False
        self.ends = False  # whether the last event of a stream has begun
        self._line = b""  # as far as it is known

    def take(self, data: bytes) -> None:
        self.ends = self.ends or _END.search(self._line + data) is not None
        self._line = (self._line + data).rpartition(b"\n")[2][:_LONGEST_END]
        self._too_long = self._too_long or len(self._bytes) + len(data) > MOST_BYTES
        if not self._too_long:
            self._bytes += data

    def message(self) -> Message | None:
        """The answer; None when there is none in it that can be read whole."""
        if self._too_long:
            return None
        documents = list(_documents(bytes(self._bytes)))
        try:
            said = _said(documents)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None
        return said if said is not None and (said.content or said.tool_calls) else None


def _documents(data: bytes) -> Iterator[Mapping[str, Json]]:
    """The JSON objects of an event stream, or the one that the body is."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").strip()
    parts = [text] if text.startswith("{") else _event_data(text)
    for part in parts:
        try:
            document = from_json(part)
        except ValueError:
            continue  # "[DONE]", or an event cut off with its stream
        if isinstance(document, dict):
            yield document


def _event_data(text: str) -> Iterator[str]:
    for event in text.split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        if lines:
            yield "\n".join(lines)


def _said(documents: list[Mapping[str, Json]]) -> Message | None:
    """In whichever of the three dialects it is."""
    if not documents:
        return None
    last = documents[-1]
    for document in reversed(documents):
        if document.get("type") in _WHOLE_RESPONSE:
            return _of_responses(document["response"])
    if last.get("object") == "response":
        return _of_responses(last)
    if any(document.get("type") == "message_start" for document in documents):
        return _of_message_events(documents)
    if last.get("type") == "message":
        return _of_blocks(last["content"])
    return _of_chat(documents)


def _of_chat(documents: Iterable[Mapping[str, Json]]) -> Message | None:
    """Chat Completions: one document with a message, or chunks with deltas."""
    content: list[str] = []
    calls: dict[int, dict[str, str]] = {}
    for document in documents:
        for choice in document.get("choices") or ():
            if choice.get("index", 0) != 0:
                continue
            said = choice.get("message") or choice.get("delta") or {}
            content.append(said.get("content") or "")
            for place, call in enumerate(said.get("tool_calls") or ()):
                known = calls.setdefault(call.get("index", place), {"id": "", "name": "", "arguments": ""})
                function = call.get("function") or {}
                known["id"] = call.get("id") or known["id"]
                known["name"] = function.get("name") or known["name"]
                known["arguments"] += function.get("arguments") or ""
    return _message("".join(content), [calls[place] for place in sorted(calls)])


def _of_responses(response: Mapping[str, Json]) -> Message | None:
    content: list[str] = []
    calls: list[dict[str, Json]] = []
    for item in response["output"]:
        if item["type"] == "message":
            content += [part["text"] for part in item["content"] if part["type"] == "output_text"]
        elif item["type"] == "function_call":
            calls.append({"id": item["call_id"], "name": item["name"], "arguments": item["arguments"]})
    return _message("".join(content), calls)


def _of_message_events(events: Iterable[Mapping[str, Json]]) -> Message | None:
    blocks: dict[int, dict[str, Json]] = {}
    for event in events:
        if event["type"] == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "input_json_delta":
                block["partial"] = block.get("partial", "") + delta["partial_json"]
    for block in blocks.values():
        if block.get("partial"):
            block["input"] = json.loads(block["partial"])
    return _of_blocks([blocks[place] for place in sorted(blocks)])


def _of_blocks(blocks: Iterable[Mapping[str, Json]]) -> Message | None:
    content, calls = [], []
    for block in blocks:
        if block["type"] == "text":
            content.append(block["text"])
        elif block["type"] == "tool_use":
            calls.append({"id": block["id"], "name": block["name"], "arguments": block["input"]})
    return _message("".join(content), calls)


def _message(content: str, calls: Iterable[Mapping[str, Json]]) -> Message | None:
    return Message(
        role="assistant",
        content=content,
        tool_calls=tuple(
            ToolCall(id=call["id"], name=call["name"], arguments=_arguments(call["arguments"]))
            for call in calls
        ),
    )


def _arguments(written: Json) -> dict[str, Json]:
    """ValueError for what is no object: a call that cannot be made is no answer to learn from."""
    arguments = json.loads(written or "{}") if isinstance(written, str) else written
    if not isinstance(arguments, dict):
        raise ValueError("arguments are an object")  # noqa: TRY004  # it is what was written, not a mistake here
    return arguments
