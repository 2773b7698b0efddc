"""What a client asks for and what it is given, in no dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from persona.engine.protocol import Completion, Prompt, Sampling
from persona.template.reader import MessageReader, Piece, Said, Thought
from store.records import Message, ToolCall

Json = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request for an answer. `one_call`: further calls are left out. `must_call`: the answer is held to
    be a call of one of the tools. `counted`: the prompt's tokens are wanted before the answer begins.
    """

    model: str
    prompt: Prompt
    sampling: Sampling
    stream: bool = False
    one_call: bool = False
    must_call: bool = False
    counted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """The answer begins: what speaks, and the prompt's tokens where they were asked for."""

    model: str
    revision: str | None
    prompt_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The answer is whole. The completion's message is what the client was given; `interaction` is None when
    the turn was not kept. Times are in seconds: until the first text, and from there to the end.
    """

    completion: Completion
    interaction: str | None
    until_first: float
    since_first: float


def calls_schema(tools: tuple[Mapping[str, Json], ...]) -> dict[str, Json]:
    """What holds an answer to a call of one of these tools."""
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": tool["function"]["name"]},
                "arguments": tool["function"].get("parameters") or {"type": "object"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    return calls[0] if len(calls) == 1 else {"anyOf": calls}


class Given:
    """What a client was given so far, in its order."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)

    @property
    def pieces(self) -> list[Piece]:
        """Adjoining texts of a kind put together."""
        together: list[Piece] = []
        for kind, group in groupby(self._pieces, key=type):
            if kind is ToolCall:
                together += group
            else:
                texts = [piece.text for piece in group if not isinstance(piece, ToolCall)]
                together.append(kind("".join(texts)))
        return together

    @property
    def content(self) -> str:
        return "".join(piece.text for piece in self._pieces if isinstance(piece, Said))

    @property
    def thoughts(self) -> str:
        return "".join(piece.text for piece in self._pieces if isinstance(piece, Thought))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(piece for piece in self._pieces if isinstance(piece, ToolCall))

    def completion(self, written: Completion) -> Completion:
        """The completion as it was given: without thoughts, and with the ids of its calls."""
        message = Message(role="assistant", content=self.content, tool_calls=self.calls)
        finish = written.finish_reason
        if finish == "tool_calls" and not self.calls:
            finish = "stop"
        elif finish == "stop" and self.calls:
            finish = "tool_calls"
        return replace(written, message=message, finish_reason=finish)


class HeldReader:
    """Reads an answer that is held to be a call, which then stands there as bare JSON."""

    def __init__(self, reader: MessageReader) -> None:
        self._reader = reader
        self._text = ""

    def feed(self, text: str) -> list[Piece]:
        self._text += text
        return []

    def finish(self) -> list[Piece]:
        bare = self._text.strip()
        if bare.startswith("{"):
            self._text = f"<tool_call>{bare}</tool_call>"
        pieces = [*self._reader.feed(self._text), *self._reader.finish()]
        if not any(isinstance(piece, ToolCall) for piece in pieces):  # cut off before it was a call
            return [Said(bare)] if bare else []
        return pieces
