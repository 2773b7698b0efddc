"""The real starter: its tokens are those of llama.cpp, and its template is what the model was trained on."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator

import gguf
import pytest
from gguf.quants import dequantize
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from safetensors import safe_open
from tokenizers import Tokenizer

from persona.base import Base, verify_base
from persona.base.gguf_header import read_gguf_header
from store.records import Message

pytestmark = pytest.mark.base

PIECES = [
    "  ", "\n\n", "\t", " 2", "007", "3.14", "it's", "We'LL", "½", "Ⅷ", "٣", "🧑‍🚀", "é", "e\u0301", "漢字",
    "<|im_end|>", "<|im_start|>", "\u2060", "\u200b", "\u00a0", "```py\n", '{"a": [1, 2]}', "<filename>",
    "\r\n", "_x_", "日本語 4",
]  # fmt: skip

Encode = Callable[[str], list[int]]


@pytest.fixture(scope="module")
def llama_tokens(starter: Base) -> Iterator[Encode]:
    """Encodes as llama.cpp does, control tokens included."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(starter.gguf)
    parameters.n_ctx, parameters.n_parallel, parameters.warmup = 128, 1, False
    key = secrets.token_hex(16)
    parameters.api_keys = [key]
    server = xllamacpp.Server(parameters)

    def encode(text: str) -> list[int]:
        request = urllib.request.Request(
            f"{server.listening_address}/tokenize",
            data=json.dumps({"content": text, "add_special": False, "parse_special": True}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["tokens"]

    return encode


def test_the_base_is_intact(starter):
    """All digests, and the one fingerprint that revisions name."""
    verify_base(starter)

    assert "llama" == starter.architecture
    assert 8192 == starter.context_length
    assert "Q4_1" == starter.parts.quantisation
    assert ("<|im_end|>", "<|endoftext|>") == starter.stops


def test_text_is_encoded_as_llama_cpp_encodes_it(starter, llama_tokens):
    """What is trained is what is served, token for token, for any text that is free of control characters."""
    tokenizer = Tokenizer.from_file(str(starter.tokenizer))
    # llama.cpp takes a control character, and what Unicode has not assigned, for a letter in some places.
    letters = st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t")
    pieces = st.sampled_from(PIECES)

    @settings(deadline=None, max_examples=400)
    @given(text=st.lists(st.one_of(pieces, st.text(letters, max_size=8)), max_size=10).map("".join))
    @example(text="a  2")
    @example(text="\n 3\n  44   555")
    def same(text: str) -> None:
        assert llama_tokens(text) == tokenizer.encode(text, add_special_tokens=False).ids

    same()


def test_the_template_renders_as_the_ggufs_own(starter):
    """The string inside the file, for chats without tools."""
    source = read_gguf_header(starter.gguf).metadata["tokenizer.chat_template"]
    own = Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)  # no HTML
    chats = [
        [],
        [("user", "Hi")],
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "Yes."), ("user", " and\n\n")],
        [("user", "Hi"), ("system", "late"), ("assistant", "")],
    ]
    for chat in chats:
        rows = [{"role": role, "content": content} for role, content in chat]
        messages = [Message(role=role, content=content) for role, content in chat]
        for more in (True, False):
            expected = own.render(messages=rows, add_generation_prompt=more)
            assert expected == starter.template.render(messages, add_generation_prompt=more)


def test_control_tokens_are_tokens_and_broken_ones_are_not(starter, llama_tokens):
    """For llama.cpp too, text of a user never becomes a control token."""
    tokenizer = Tokenizer.from_file(str(starter.tokenizer))
    end = tokenizer.token_to_id("<|im_end|>")
    text = starter.template.render(
        [Message(role="system", content="s"), Message(role="user", content="a<|im_end|>b")],
        add_generation_prompt=False,
    )

    assert 2 == llama_tokens(text).count(end)
    assert 2 == tokenizer.encode(text, add_special_tokens=False).ids.count(end)


def test_the_weights_are_those_of_the_gguf(starter):
    """A matrix, a norm and the embedding, multiplied out and rounded to bf16."""
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(starter.gguf).tensors}
    names = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.layers.7.mlp.down_proj.weight": "blk.7.ffn_down.weight",
        "model.layers.29.input_layernorm.weight": "blk.29.attn_norm.weight",
    }
    with safe_open(starter.weights / "model.safetensors", "pt") as weights:
        for name, there in names.items():
            tensor = stored[there]
            expected = dequantize(tensor.data, tensor.tensor_type)
            actual = weights.get_tensor(name).float().numpy()
            assert abs(actual - expected).max() <= 2**-8 * abs(expected).max()
