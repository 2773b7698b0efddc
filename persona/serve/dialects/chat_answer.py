"""OpenAI's Chat Completions: answers written, whole or as chunks."""

from __future__ import annotations

from dataclasses import dataclass

from persona.serve.asked import Ended, Given, Opened
from persona.serve.dialects.dialect import Head, Json, event, new_id, persona_says, timings
from persona.serve.dialects.errors import openai_error
from persona.serve.refusals import Refused
from persona.template import to_json
from persona.template.reader import Piece, Said, Thought
from store.records import ToolCall

_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What of a request decides how its answer is written."""

    include_usage: bool = False


class ChatWriter:
    """A Writer. A call comes in two chunks: the first names it, the second holds its arguments."""

    def __init__(self, opened: Opened, remembered: Remembered) -> None:
        self._opened = opened
        self._include_usage = remembered.include_usage
        self._head = Head(new_id("chatcmpl-"), opened.model)
        self._calls = 0

    def whole(self, given: Given, ended: Ended) -> Json:
        message: dict[str, Json] = {"role": "assistant", "content": given.content, "refusal": None}
        if given.thoughts:
            message["reasoning_content"] = given.thoughts
        if given.calls:
            message["content"] = given.content or None
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": to_json(call.arguments)},
                }
                for call in given.calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(ended)}
        return {
            **self._named("chat.completion"),
            "choices": [choice],
            "usage": _usage(ended),
            "timings": timings(ended),
            "persona": persona_says(self._opened, ended),
        }

    def begin(self) -> list[bytes]:
        return [self._delta({"role": "assistant", "content": ""})]

    def piece(self, piece: Piece) -> list[bytes]:
        match piece:
            case Said(text):
                return [self._delta({"content": text})]
            case Thought(text):
                return [self._delta({"reasoning_content": text})]
            case ToolCall():
                index, self._calls = self._calls, self._calls + 1
                named = {"name": piece.name, "arguments": ""}
                first = {"index": index, "id": piece.id, "type": "function", "function": named}
                then = {"index": index, "function": {"arguments": to_json(piece.arguments)}}
                return [self._delta({"tool_calls": [first]}), self._delta({"tool_calls": [then]})]

    def end(self, ended: Ended) -> list[bytes]:
        said = {"persona": persona_says(self._opened, ended), "timings": timings(ended)}
        events = [self._delta({}, finish=_finish(ended), **said)]
        if self._include_usage:
            usage = {"choices": [], "usage": _usage(ended), "timings": said["timings"]}
            events.append(event({**self._named("chat.completion.chunk"), **usage}))
        return [*events, _DONE]

    def broken(self, refused: Refused) -> list[bytes]:
        return [event(openai_error(refused))]

    def beat(self) -> bytes:
        return b": still at it\n\n"

    def _named(self, kind: str) -> dict[str, Json]:
        return {
            "id": self._head.id,
            "object": kind,
            "created": self._head.created,
            "model": self._head.model,
            "system_fingerprint": self._opened.revision,
        }

    def _delta(self, delta: Json, finish: str | None = None, **more: Json) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {**self._named("chat.completion.chunk"), "choices": [choice], **more}
        return event(chunk | ({"usage": None} if self._include_usage else {}))


def _finish(ended: Ended) -> str:
    reason = ended.completion.finish_reason
    return "stop" if reason == "cancelled" else reason


def _usage(ended: Ended) -> dict[str, Json]:
    done = ended.completion
    return {
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "total_tokens": done.prompt_tokens + done.completion_tokens,
    }
