"""The starter's template: what its model was trained on, and tools besides."""

from __future__ import annotations

import json

import pytest
from chat_parts import SMOLLM2_OWN, WEATHER, any_text, assistant, calls, chats, plain_text, smollm2, user
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from store.records import Message, ToolCall

TEMPLATE = smollm2()
# The two settings are those that chat templates are written for.
OWN = Environment(trim_blocks=True, lstrip_blocks=True).from_string(SMOLLM2_OWN)  # no HTML


@settings(deadline=None)
@given(messages=chats(plain_text), more=st.booleans())
def test_a_chat_renders_as_the_models_own_template_renders_it(messages, more):
    """Without tools, every byte is what the model saw when it was trained."""
    rows = [{"role": message.role, "content": message.content} for message in messages]

    expected = OWN.render(messages=rows, add_generation_prompt=more)

    assert expected == TEMPLATE.render(messages, add_generation_prompt=more)


def test_a_chat_without_system_message_gets_the_models_own():
    """The default system prompt is part of what the model was trained on."""
    expected = (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )

    assert expected == TEMPLATE.render([user("Hi")], add_generation_prompt=True)


@pytest.mark.parametrize("content", ["", "Be brief."])
def test_tools_stand_in_the_system_turn(content):
    """They follow the system message, or the default one; there is one system turn in either case."""
    system = [Message(role="system", content=content)] if content else []
    shown = content or "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

    text = TEMPLATE.render([*system, user("Rain?")], [WEATHER], add_generation_prompt=True)

    assert 1 == text.count("<|im_start|>system")
    assert text.startswith(f"<|im_start|>system\n{shown}\n\n# Tools\n\n")
    assert f"<tools>\n{json.dumps(WEATHER)}\n</tools>" in text
    assert text.endswith("<|im_end|>\n<|im_start|>user\nRain?<|im_end|>\n<|im_start|>assistant\n")


def test_calls_are_written_as_json_dumps_writes_them():
    """Order of keys, blanks and letters beyond ASCII stay, so training and serving share one spelling."""
    arguments = {"city": "Zürich", "days": [1, 2], "unit": None}
    message = assistant("Let me look.", ToolCall(name="get_weather", arguments=arguments))

    _, completion = TEMPLATE.render_completion([user("Rain?")], [WEATHER], message)

    spelled = json.dumps({"name": "get_weather", "arguments": arguments}, ensure_ascii=False)
    assert f"Let me look.\n<tool_call>\n{spelled}\n</tool_call><|im_end|>" == completion


def test_tool_results_in_a_row_share_one_user_turn():
    """Two answers of tools are one turn, each in its own markup."""
    results = [Message(role="tool", content="4 °C"), Message(role="tool", content="wind")]

    text = TEMPLATE.render(
        [user("Rain?"), assistant("", *_two_calls()), *results], add_generation_prompt=True
    )

    assert text.endswith(
        "<|im_start|>user\n<tool_response>\n4 °C\n</tool_response>\n<tool_response>\nwind\n</tool_response>"
        "<|im_end|>\n<|im_start|>assistant\n"
    )


@settings(deadline=None)
@given(prompt=chats(any_text), content=any_text, made=st.lists(calls, max_size=3))
def test_prompt_and_completion_are_the_conversation(prompt, content, made):
    """Nothing is lost or added between them; only the line break after the last end token is left out."""
    message = assistant(content, *made)

    before, completion = TEMPLATE.render_completion(prompt, [WEATHER], message)

    assert (
        TEMPLATE.render([*prompt, message], [WEATHER], add_generation_prompt=False)
        == before + completion + "\n"
    )
    assert before == TEMPLATE.render(prompt, [WEATHER], add_generation_prompt=True)
    assert 1 == completion.count(TEMPLATE.eos)
    assert completion.endswith(TEMPLATE.eos)


@settings(deadline=None)
@given(content=any_text, made=st.lists(calls, max_size=3))
def test_what_is_rendered_reads_back(content, made):
    """A completion parses to the message that it was rendered from, whatever its texts hold."""
    content = content if content.strip() or not made else ""  # blanks before calls carry nothing

    _, completion = TEMPLATE.render_completion([user("Hi")], [WEATHER], assistant(content, *made))

    assert assistant(content, *made) == TEMPLATE.parse(completion)


def _two_calls() -> list[ToolCall]:
    return [ToolCall(name="get_weather", arguments={"city": city}) for city in ("Bern", "Chur")]
