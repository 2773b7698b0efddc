"""Templates and strategies that the template's tests share."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

import persona.base
from persona.template import Template
from store.records import Message, ToolCall

# The chat template inside the starter's GGUF (metadata key tokenizer.chat_template); tests/base checks that
# the file still says so.
SMOLLM2_OWN = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

SMOLLM2 = (Path(persona.base.__file__).parent / "templates" / "smollm2.jinja").read_text(encoding="utf-8")

WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {}}}},
}

MARKERS = ("<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<tool_response>", "<tools>")

_letters = st.characters(exclude_categories=["Cs"])  # a lone surrogate is no text
_SPECIAL = re.compile(r"<\||</?tool")  # how control tokens and call markup begin, those not named above too
plain_text = st.text(_letters, max_size=60).filter(lambda text: not _SPECIAL.search(text))
any_text = st.lists(st.one_of(st.text(_letters, max_size=12), st.sampled_from(MARKERS)), max_size=6).map(
    "".join
)


def chats(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[Message]]:
    """Messages of user, assistant and system in any order."""
    roles = st.sampled_from(["system", "user", "assistant"])
    return st.lists(st.builds(Message, role=roles, content=texts), max_size=6)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
calls = st.builds(
    ToolCall, name=any_text.filter(bool), arguments=st.dictionaries(any_text, _json, max_size=3)
)


def smollm2() -> Template:
    return Template(SMOLLM2, controls=["<|endoftext|>"])


def user(content: str) -> Message:
    return Message(role="user", content=content)


def assistant(content: str, *calls: ToolCall) -> Message:
    return Message(role="assistant", content=content, tool_calls=calls)
