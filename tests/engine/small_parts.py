"""A base of a few thousand weights in both formats, and adapters for it: files only, nothing is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from persona.base import Base, FingerprintParts

HEADS, KEY_HEADS, HEAD = 4, 2, 16
WIDTH, FEED = HEADS * HEAD, 96
SHAPES = {
    "self_attn.q_proj": (WIDTH, WIDTH),
    "self_attn.k_proj": (KEY_HEADS * HEAD, WIDTH),
    "self_attn.v_proj": (KEY_HEADS * HEAD, WIDTH),
    "mlp.up_proj": (FEED, WIDTH),
    "mlp.down_proj": (WIDTH, FEED),
}
GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
LAYERS = [f"model.layers.{block}.{kind}" for block in range(2) for kind in SHAPES]

Weights = dict[str, NDArray[Any]]


def kind_of(layer: str) -> str:
    return layer.split(".", 3)[3]


def interleaved(rows: NDArray[Any]) -> NDArray[Any]:
    """As llama.cpp's own converter orders the rows of queries and keys, written out one by one."""
    ordered = np.empty_like(rows)
    for row in range(len(rows)):
        head, within = divmod(row, HEAD)
        half, place = divmod(within, HEAD // 2)
        ordered[head * HEAD + 2 * place + half] = rows[row]
    return ordered


def weights(seed: int = 0) -> Weights:
    random = np.random.default_rng(seed)
    return {
        f"{layer}.weight": random.normal(size=SHAPES[kind_of(layer)]).astype(np.float32) for layer in LAYERS
    }


def write_gguf(file: Path, tensors: Weights, *, reorder: bool) -> None:
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_block_count(2)
    writer.add_embedding_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    for layer in LAYERS:
        values = tensors[f"{layer}.weight"]
        if reorder and kind_of(layer) in ("self_attn.q_proj", "self_attn.k_proj"):
            values = interleaved(values)
        block = layer.split(".")[2]
        kind = gguf.GGMLQuantizationType.Q4_1
        packed = gguf.quants.quantize(values, kind)
        writer.add_tensor(f"blk.{block}.{GGUF_NAMES[kind_of(layer)]}.weight", packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def small_base(folder: Path, *, reorder: bool = True, served: Weights | None = None) -> Base:
    """A base whose GGUF holds `served` (default: its own weights), rows of q and k reordered or not."""
    (folder / "weights").mkdir(parents=True)
    tensors = weights()
    save_file(tensors, folder / "weights" / "model.safetensors")
    write_gguf(folder / "model.gguf", served or tensors, reorder=reorder)
    digest = "sha256:" + "0" * 64
    return Base(
        name="small",
        path=folder,
        spec="small",
        architecture="llama",
        weights=folder / "weights",
        gguf=folder / "model.gguf",
        template_source="",
        eos="<|im_end|>",
        context_length=128,
        parts=FingerprintParts(
            weights=digest, gguf=digest, tokenizer=digest, template=digest, quantisation="Q4_1"
        ),
    )


def config(**changes: Any) -> dict[str, Any]:
    """adapter_config.json as peft writes it, as far as it says anything."""
    plain: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "small",
        "r": 4,
        "lora_alpha": 8,
        "lora_dropout": 0.0,
        "target_modules": sorted({kind.rpartition(".")[2] for kind in SHAPES}),
        "bias": "none",
        "use_dora": False,
        "use_rslora": False,
        "modules_to_save": None,
        "megatron_core": "megatron.core",
        "qalora_group_size": 16,
        "rank_pattern": {},
        "alpha_pattern": {},
        "inference_mode": True,
    }
    return plain | changes


def lora_tensors(layers: list[str] | None = None, *, rank: int = 4, dtype: Any = np.float16) -> Weights:
    random = np.random.default_rng(3)
    tensors: Weights = {}
    for layer in LAYERS if layers is None else layers:
        rows, columns = SHAPES[kind_of(layer)]
        for half, shape in (("A", (rank, columns)), ("B", (rows, rank))):
            tensors[f"base_model.model.{layer}.lora_{half}.weight"] = random.normal(size=shape).astype(dtype)
    return tensors


def write_lora(folder: Path, tensors: Weights | None = None, plain: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(lora_tensors() if tensors is None else tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(plain or config()), encoding="utf-8")
    return folder
