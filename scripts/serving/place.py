"""A home of its own to serve from: the starter base borrowed, adapters made at random without training."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from adapters import Build, Registry, Revision
from persona.base import Base
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.engine.tensors import model_tensors
from persona.paths import Home, make_private
from store import Store

_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_RANK = 8
_SIZE = 0.01  # of each value: enough to be seen to apply, too little to break the language


def make_home(root: Path, base: Base) -> Home:
    """An empty home for one identity, on this base."""
    home = Home(root)
    paths = home.identity("me")
    make_private(paths.folder)
    make_private(home.bases)
    home.base(base.name).symlink_to(base.path)
    Store.open(paths.store).close()
    Registry.open(paths.adapters)
    return home


def publish_random(registry: Registry, base: Base, seed: int) -> Revision:
    """An adapter of rank 8 on every linear layer, as a night would publish it."""
    random = np.random.default_rng(seed)
    tensors = {}
    for name, tensor in model_tensors(base.weights).items():
        layer = name.removesuffix(".weight")
        if layer.rpartition(".")[2] in _LAYERS:
            out, into = tensor.shape
            a = random.normal(size=(_RANK, into)) * _SIZE
            b = random.normal(size=(out, _RANK)) * _SIZE
            tensors[f"base_model.model.{layer}.lora_A.weight"] = a.astype(np.float32)
            tensors[f"base_model.model.{layer}.lora_B.weight"] = b.astype(np.float32)
    staged = registry.stage(f"bench-{seed}")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": _RANK,
        "lora_alpha": 2 * _RANK,
        "target_modules": list(_LAYERS),
    }
    (staged / "adapter_config.json").write_text(json.dumps(config))
    save_file(tensors, staged / "adapter_model.safetensors")
    write_gguf_adapter(staged, base, staged / "adapter.gguf")
    return registry.publish(staged, _build(base, seed))


def _build(base: Base, seed: int) -> Build:
    return Build(
        identity="me",
        parent="r0",
        base=base.ref,
        snapshot="d-none",
        recipe={"random": True},
        seed=seed,
        versions={},
        created_at=datetime.now(UTC),
    )
