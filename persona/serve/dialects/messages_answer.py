"""Anthropic's Messages: answers written, whole or as events."""

from __future__ import annotations

from dataclasses import dataclass

from persona.serve.asked import Ended, Given, Opened
from persona.serve.dialects.dialect import Head, Json, event, new_id, persona_says, timings
from persona.serve.dialects.errors import anthropic_error
from persona.serve.refusals import Refused
from persona.template import to_json
from persona.template.reader import Piece, Said, Thought
from store.records import ToolCall

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "cancelled": "end_turn"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """Whether the client asked to see thoughts."""

    thinks: bool = False


class MessagesWriter:
    """A Writer. One content block is open at a time; an answer has at least one."""

    def __init__(self, opened: Opened, remembered: Remembered) -> None:
        self._opened = opened
        self._thinks = remembered.thinks
        self._head = Head(new_id("msg_"), opened.model)
        self._index = 0
        self._open: str | None = None

    def whole(self, given: Given, ended: Ended) -> Json:
        content = [block for piece in given.pieces if (block := self._block(piece))]
        return {
            **self._message(),
            "content": content or [{"type": "text", "text": ""}],
            "stop_reason": _STOPS[ended.completion.finish_reason],
            "usage": _usage(ended.completion.prompt_tokens, ended.completion.completion_tokens),
            "timings": timings(ended),
            "persona": persona_says(self._opened, ended),
        }

    def begin(self) -> list[bytes]:
        message = {**self._message(), "content": [], "usage": _usage(self._opened.prompt_tokens, 0)}
        return [_event("message_start", message=message), _event("ping")]

    def piece(self, piece: Piece) -> list[bytes]:
        match piece:
            case Said(text):
                return self._text({"type": "text", "text": ""}, {"type": "text_delta", "text": text})
            case Thought(text):
                if not self._thinks:
                    return []
                thinking: dict[str, Json] = {"type": "thinking", "thinking": "", "signature": ""}
                return self._text(thinking, {"type": "thinking_delta", "thinking": text})
            case ToolCall():
                empty: dict[str, Json] = {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": to_json(piece.arguments)}
                return [*self._close(), *self._start(empty), self._delta(delta), *self._close()]

    def end(self, ended: Ended) -> list[bytes]:
        done = ended.completion
        empty = self._index == 0 and self._open is None
        first = self._start({"type": "text", "text": ""}) if empty else []
        delta = {"stop_reason": _STOPS[done.finish_reason], "stop_sequence": None}
        said = {"timings": timings(ended), "persona": persona_says(self._opened, ended)}
        usage = _usage(done.prompt_tokens, done.completion_tokens)
        return [
            *first,
            *self._close(),
            _event("message_delta", delta=delta, usage=usage, **said),
            _event("message_stop"),
        ]

    def broken(self, refused: Refused) -> list[bytes]:
        return [event(anthropic_error(refused), "error")]

    def beat(self) -> bytes:
        return _event("ping")

    def _block(self, piece: Piece) -> Json:
        match piece:
            case Said(text):
                return {"type": "text", "text": text}
            case Thought(text):
                return {"type": "thinking", "thinking": text, "signature": ""} if self._thinks else None
            case ToolCall():
                return {"type": "tool_use", "id": piece.id, "name": piece.name, "input": piece.arguments}

    def _text(self, empty: dict[str, Json], delta: dict[str, Json]) -> list[bytes]:
        events: list[bytes] = []
        if self._open != empty["type"]:
            events = [*self._close(), *self._start(empty)]
        return [*events, self._delta(delta)]

    def _start(self, block: dict[str, Json]) -> list[bytes]:
        self._open = block["type"]
        return [_event("content_block_start", index=self._index, content_block=block)]

    def _delta(self, delta: dict[str, Json]) -> bytes:
        return _event("content_block_delta", index=self._index, delta=delta)

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        index, self._index, self._open = self._index, self._index + 1, None
        return [_event("content_block_stop", index=index)]

    def _message(self) -> dict[str, Json]:
        return {
            "id": self._head.id,
            "type": "message",
            "role": "assistant",
            "model": self._head.model,
            "stop_reason": None,
            "stop_sequence": None,
        }


def _event(name: str, **data: Json) -> bytes:
    return event({"type": name, **data}, name)


def _usage(prompt_tokens: int, completion_tokens: int) -> dict[str, Json]:
    return {
        "input_tokens": prompt_tokens,
        "output_tokens": completion_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
