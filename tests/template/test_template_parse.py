"""Reading what a model wrote: calls where they are whole, content everywhere else."""

from __future__ import annotations

import pytest
from chat_parts import assistant, smollm2
from hypothesis import given, settings
from hypothesis import strategies as st

from store.records import Message, ToolCall

TEMPLATE = smollm2()
PIECES = [
    "<tool_call>", "</tool_call>", "\n", '{"name": "f", "arguments": {}}', "{", "}", '"', "[", "null", "text",
    "<|im_end|>", '{"name": 1}', '{"name": "f", "arguments": []}', "\u2060", "<",
]  # fmt: skip


@settings(deadline=None)
@given(text=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12).map("".join))
def test_any_text_is_read_without_an_error(text):
    """And nothing of it before the end token is lost, unless it became a call."""
    message = TEMPLATE.parse(text)

    assert "assistant" == message.role
    if not message.tool_calls:
        assert TEMPLATE.parse(message.content).content == message.content or "\u2060" in text
        assert text.partition("<|im_end|>")[0].replace("\u2060", "") == message.content.replace("\u2060", "")


@pytest.mark.parametrize(
    "broken",
    [
        "<tool_call>",
        '<tool_call>\n{"name": "f", "arguments": {}}',
        "<tool_call>\nnot json\n</tool_call>",
        '<tool_call>["f"]</tool_call>',
        '<tool_call>{"name": "", "arguments": {}}</tool_call>',
        '<tool_call>{"name": 3, "arguments": {}}</tool_call>',
        '<tool_call>{"name": "f", "arguments": "x"}</tool_call>',
        '<tool_call>{"name": "f", "arguments": {"x": NaN}}</tool_call>',
        '<tool_call>{"arguments": {}}</tool_call>',
        "<tool_call>" + "[" * 100_000 + "</tool_call>",
    ],
)
def test_broken_markup_stays_content(broken):
    """It is shown as it was written, never half understood."""
    assert assistant(broken) == TEMPLATE.parse(broken)


def test_a_whole_call_after_a_broken_one_is_read():
    """One bad call does not hide the next."""
    text = '<tool_call>{]</tool_call>\n<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'

    expected = assistant("<tool_call>{]</tool_call>", ToolCall(name="f", arguments={"a": 1}))

    assert expected == TEMPLATE.parse(text)


def test_a_call_without_arguments_has_none():
    """Models leave an empty object out."""
    expected = (ToolCall(name="f", arguments={}),)

    assert expected == TEMPLATE.parse('<tool_call>\n{"name": "f"}\n</tool_call>').tool_calls


def test_text_around_calls_is_content():
    """What was said before and after stays, in order."""
    text = 'Before.\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>\nAfter.'

    assert "Before.\nAfter." == TEMPLATE.parse(text).content


def test_what_follows_the_end_token_is_dropped():
    """A generation that ran on has one answer."""
    expected = Message(role="assistant", content="Yes.")

    assert expected == TEMPLATE.parse("Yes.<|im_end|>\n<|im_start|>user\nMore")
