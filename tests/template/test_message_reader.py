"""Reading an assistant's message while it is written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from persona.template.calls import read_message
from persona.template.controls import JOINER, Controls
from persona.template.reader import MessageReader, Piece, Said, Thought
from store.records import ToolCall

CONTROLS = Controls(["<|im_end|>", "<tool_call>", "</tool_call>", "[INST]"])
CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
SCRAPS = (
    *("a", " ", "\n", "<", "[", "{", JOINER, "|im_", "<|im", "end|>", f"<{JOINER}|im_end|>", "INST]"),
    *("<tool_call>", "</tool_call>", CALL, '{"name": "g"}', "<tool", "_call>", "\n<tool_call>", "not json"),
)


def read(*pieces: str) -> list[Piece]:
    reader = MessageReader(CONTROLS)
    return [*(given for piece in pieces for given in reader.feed(piece)), *reader.finish()]


def said(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Said))


def thought(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Thought))


def calls(pieces: list[Piece]) -> list[ToolCall]:
    return [piece for piece in pieces if isinstance(piece, ToolCall)]


@given(st.lists(st.sampled_from(SCRAPS), max_size=14), st.lists(st.integers(1, 9), min_size=1))
@example([f"<{JOINER}{JOINER}|im_end|>", CALL, "<", CALL, JOINER, "|im_", "end|>"], [1])
def test_pieces_are_the_whole_however_it_is_cut(scraps: list[str], cuts: list[int]) -> None:
    """Content and calls are those that the whole text reads as, wherever it is cut."""
    text = "".join(scraps)
    pieces, rest, turn = [], text, 0
    while rest:
        pieces.append(rest[: cuts[turn % len(cuts)]])
        rest = rest[cuts[turn % len(cuts)] :]
        turn += 1
    whole = read_message(text, CONTROLS)

    given = read(*pieces)

    assert whole.content == said(given)
    assert list(whole.tool_calls) == calls(given)


def test_text_is_given_as_soon_as_it_is_no_markup() -> None:
    """What cannot become markup is not held back."""
    reader = MessageReader(CONTROLS)

    assert [Said("Hello")] == reader.feed("Hello")
    assert [] == reader.feed("\n<tool")
    assert [Said("\n<tools")] == reader.feed("s")


def test_a_call_is_given_when_it_is_whole() -> None:
    """A call comes with its last character, not at the end of the answer."""
    reader = MessageReader(CONTROLS)

    assert [Said("Let me look.")] == reader.feed("Let me look.\n" + CALL[:-1])
    assert [ToolCall(name="f", arguments={"a": 1})] == reader.feed(CALL[-1])
    assert [] == reader.finish()


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>why\n</think>\n\nSo."],
        ["  <th", "ink>why", "\n</th", "ink>", "\n", "\nSo."],
        [*"<think>why\n</think>So."],
    ],
)
def test_thoughts_are_parted_from_the_answer(pieces: list[str]) -> None:
    """A think block at the beginning is no content, however it is cut."""
    assert ("why\n", "So.") == (thought(read(*pieces)), said(read(*pieces)))


def test_thoughts_without_an_end_are_thoughts() -> None:
    """An answer that is cut while it thinks has no content."""
    assert [Thought("why </th")] == [Thought(thought(read("<think>why", " </th")))]
    assert "" == said(read("<think>why", " </th"))


def test_a_think_block_later_on_is_content() -> None:
    """Only the beginning of an answer is thinking."""
    assert "a <think>b</think>" == said(read("a <think>b</think>"))
