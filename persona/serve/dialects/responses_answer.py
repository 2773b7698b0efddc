"""OpenAI's Responses: answers written, whole or as events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from persona.serve.asked import Ended, Given, Opened
from persona.serve.dialects.dialect import Head, Json, event, new_id, persona_says, timings
from persona.serve.dialects.responses_tools import Offered
from persona.serve.refusals import Refused
from persona.template import to_json
from persona.template.reader import Piece, Said, Thought
from store.records import ToolCall

# What a response repeats of its request, and what stands there when the request did not say.
_REPEATED: Mapping[str, Json] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """The request as it came, and its tools."""

    request: Mapping[str, Json]
    offered: Offered


class ResponsesWriter:
    """A Writer. One item of the output is open at a time; it is closed when another begins."""

    def __init__(self, opened: Opened, remembered: Remembered) -> None:
        self._opened = opened
        self._offered = remembered.offered
        self._head = Head(new_id("resp_"), opened.model)
        request = remembered.request
        self._repeated = {
            name: request[name] if request.get(name) is not None else default
            for name, default in _REPEATED.items()
        }
        self._number = 0
        self._output: list[dict[str, Json]] = []
        self._open: dict[str, Json] | None = None
        self._texts: list[str] = []  # of the open item

    def whole(self, given: Given, ended: Ended) -> Json:
        for piece in given.pieces:
            self.piece(piece)
        self._close()
        return self._ended(ended)

    def begin(self) -> list[bytes]:
        started = {"response": self._response("in_progress")}
        return [self._event("response.created", started), self._event("response.in_progress", started)]

    def piece(self, piece: Piece) -> list[bytes]:
        match piece:
            case Said(text):
                return self._text("message", text)
            case Thought(text):
                return self._text("reasoning", text)
            case ToolCall():
                return [*self._close(), *self._call(piece)]

    def end(self, ended: Ended) -> list[bytes]:
        events = self._close()
        response = self._ended(ended)
        return [*events, self._event(f"response.{response['status']}", {"response": response})]

    def broken(self, refused: Refused) -> list[bytes]:
        error = {"code": refused.code, "message": refused.message}
        response = {**self._response("failed"), "error": error}
        return [self._event("response.failed", {"response": response})]

    def beat(self) -> bytes:
        return b": still at it\n\n"

    def _text(self, kind: str, text: str) -> list[bytes]:
        events: list[bytes] = []
        if self._open is None or self._open["type"] != kind:
            events = [*self._close(), *self._begin_text(kind)]
        assert self._open is not None
        part = self._open["content"][0]
        self._texts.append(text)
        return [*events, self._in_part(f"response.{part['type']}.delta", delta=text)]

    def _begin_text(self, kind: str) -> list[bytes]:
        if kind == "message":
            part: dict[str, Json] = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            item: dict[str, Json] = {
                "id": new_id("msg_"),
                "type": kind,
                "role": "assistant",
                "status": "in_progress",
            }
        else:
            part = {"type": "reasoning_text", "text": ""}
            item = {"id": new_id("rs_"), "type": kind, "summary": [], "status": "in_progress"}
        self._open = {**item, "content": []}
        events = [self._event("response.output_item.added", self._placed(item=self._open))]
        self._open["content"].append(part)
        return [*events, self._in_part("response.content_part.added", part=part)]

    def _close(self) -> list[bytes]:
        item = self._open
        if item is None:
            return []
        part = item["content"][0]
        part["text"], self._texts = "".join(self._texts), []
        item["status"] = "completed"
        events = [
            self._in_part(f"response.{part['type']}.done", text=part["text"]),
            self._in_part("response.content_part.done", part=part),
            self._event("response.output_item.done", self._placed(item=item)),
        ]
        self._output.append(item)
        self._open = None
        return events

    def _call(self, call: ToolCall) -> list[bytes]:
        item = {"id": new_id("fc_"), **self._offered.item(call, to_json(call.arguments))}
        filled = "input" if item["type"] == "custom_tool_call" else "arguments"
        kind = "custom_tool_call_input" if filled == "input" else "function_call_arguments"
        placed = {"item_id": item["id"], **self._placed()}
        begun = {**item, filled: "", "status": "in_progress"}
        done = {**item, "status": "completed"}
        events = [
            self._event("response.output_item.added", self._placed(item=begun)),
            self._event(f"response.{kind}.delta", {**placed, "delta": item[filled]}),
            self._event(f"response.{kind}.done", {**placed, "name": item["name"], filled: item[filled]}),
            self._event("response.output_item.done", self._placed(item=done)),
        ]
        self._output.append(done)
        return events

    def _in_part(self, name: str, **data: Json) -> bytes:
        assert self._open is not None
        placed = self._placed(item_id=self._open["id"], content_index=0, **data)
        return self._event(name, placed | ({"logprobs": []} if "output_text" in name else {}))

    def _placed(self, **data: Json) -> dict[str, Json]:
        return {"output_index": len(self._output), **data}

    def _event(self, name: str, data: Mapping[str, Json]) -> bytes:
        number, self._number = self._number, self._number + 1
        return event({"type": name, "sequence_number": number, **data}, name)

    def _ended(self, ended: Ended) -> dict[str, Json]:
        done = ended.completion
        cut = done.finish_reason == "length"
        return {
            **self._response("incomplete" if cut else "completed"),
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "usage": {
                "input_tokens": done.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": done.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": done.prompt_tokens + done.completion_tokens,
            },
            "timings": timings(ended),
            "persona": persona_says(self._opened, ended),
        }

    def _response(self, status: str) -> dict[str, Json]:
        return {
            **self._repeated,
            "id": self._head.id,
            "object": "response",
            "created_at": self._head.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._head.model,
            "output": list(self._output),
            "previous_response_id": None,
            "store": False,
            "usage": None,
        }
