"""Reads an assistant's message while it is written: what `read_message` reads, piece by piece.

However the text is cut, the pieces put together are what the whole text reads as; markup of a call is never
handed out as content, and a call is handed out once it is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from persona.template.calls import read_message
from persona.template.controls import Controls
from store.records import ToolCall

_OPENS = re.compile(r"\n?<tool_call>")
_BEGINNINGS = tuple("\n<tool_call>"[:n] for n in range(1, 12)) + tuple(
    "<tool_call>"[:n] for n in range(1, 11)
)
_CLOSES = "</tool_call>"
_THINKS, _THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the content."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of what a reasoning model thinks before it answers: no part of the content."""

    text: str


Piece = Said | Thought | ToolCall


class MessageReader:
    """For one answer. `feed` takes what the engine wrote, `finish` gives what was held back until the end.

    A `<think>` block at the very beginning is handed out as thoughts.
    """

    def __init__(self, controls: Controls) -> None:
        self._thoughts = _Thoughts()
        self._calls = _Calls(controls)
        self._content = _Content(controls)

    def feed(self, text: str) -> list[Piece]:
        thoughts, rest = self._thoughts.feed(text)
        return [*thoughts, *self._content.take(self._calls.feed(rest))]

    def finish(self) -> list[Piece]:
        thoughts, rest = self._thoughts.finish()
        pieces = [*self._calls.feed(rest), *self._calls.finish()]
        return [*thoughts, *self._content.take(pieces), *self._content.finish()]


class _Thoughts:
    """Parts the thoughts at the beginning from all that follows."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "before"

    def feed(self, text: str) -> tuple[list[Piece], str]:
        if self._state == "over":
            return [], text
        self._held += text
        thoughts: list[Piece] = []
        if self._state == "before":
            begun = self._held.lstrip()
            if begun.startswith(_THINKS):
                self._state, self._held = "thinking", begun.removeprefix(_THINKS)
            elif not _THINKS.startswith(begun):
                self._state = "over"
        if self._state == "thinking":
            thought, ended, after = self._held.partition(_THOUGHT)
            keep = 0 if ended else _overlap(thought, _THOUGHT)
            if len(thought) > keep:
                thoughts.append(Thought(thought[: len(thought) - keep]))
            self._held = after if ended else thought[len(thought) - keep :]
            if ended:
                self._state = "behind"
        if self._state == "behind":  # blank lines part thoughts and answer, and belong to neither
            self._held = self._held.lstrip()
            if self._held:
                self._state = "over"
        if self._state == "over":
            rest, self._held = self._held, ""
            return thoughts, rest
        return thoughts, ""

    def finish(self) -> tuple[list[Piece], str]:
        held, self._held = self._held, ""
        if self._state == "thinking":
            return ([Thought(held)] if held else []), ""
        return [], held


class _Calls:
    """Parts calls from content. What is not a whole, valid call is content, exactly as it was written."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._held = ""
        self._closing_from = 0  # where the end of the block in hand may begin

    def feed(self, text: str) -> list[Piece]:
        self._held += text
        pieces: list[Piece] = []
        while opening := _OPENS.search(self._held):
            self._release(opening.start(), pieces)
            at = self._held.find(_CLOSES, max(self._closing_from, opening.end() - opening.start()))
            if at < 0:
                self._closing_from = max(0, len(self._held) - len(_CLOSES))
                return pieces
            end = at + len(_CLOSES)
            calls = read_message(self._held[:end], self._controls).tool_calls
            if calls:
                pieces += calls
                self._held = self._held[end:]
            else:
                self._release(end, pieces)
            self._closing_from = 0
        keep = max((len(part) for part in _BEGINNINGS if self._held.endswith(part)), default=0)
        self._release(len(self._held) - keep, pieces)
        return pieces

    def finish(self) -> list[Piece]:
        pieces: list[Piece] = []
        self._release(len(self._held), pieces)
        return pieces

    def _release(self, count: int, pieces: list[Piece]) -> None:
        if count:
            pieces.append(Said(self._held[:count]))
            self._held = self._held[count:]


class _Content:
    """Mends control tokens, and drops content that is blank beside calls, as `read_message` does."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._held = ""
        self._blank = ""
        self._spoken = False
        self._called = False

    def take(self, pieces: list[Piece]) -> list[Piece]:
        given: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, Said):
                self._held += piece.text
                self._say(len(self._held) - self._controls.unsettled(self._held), given)
            else:
                self._called = self._called or isinstance(piece, ToolCall)
                given.append(piece)
        return given

    def finish(self) -> list[Piece]:
        given: list[Piece] = []
        self._say(len(self._held), given)
        if self._blank and not self._called:
            given.append(Said(self._blank))
        return given

    def _say(self, count: int, given: list[Piece]) -> None:
        text, self._held = self._controls.mend(self._held[:count]), self._held[count:]
        if not self._spoken:
            text = self._blank + text
            self._spoken = bool(text.strip())
            self._blank = "" if self._spoken else text
        if text and self._spoken:
            given.append(Said(text))


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    return max((n for n in range(1, len(mark)) if text.endswith(mark[:n])), default=0)
