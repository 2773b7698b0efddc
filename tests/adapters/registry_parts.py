"""Small but real parts for registry tests: adapter files that pass every check, builds, a fixed clock."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters import BaseRef, Build, Registry, Revision

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
BASE = BaseRef(
    name="tiny",
    fingerprint="b2-sha256:00",
    weights="sha256:01",
    tokenizer="sha256:02",
    template="sha256:03",
    quantisation="none",
)


def noon() -> datetime:
    return NOON


def build(*, snapshot: str = "d-1", parent: str = "r0", seed: int = 1, **changes: object) -> Build:
    fields = {
        "identity": "me",
        "parent": parent,
        "base": BASE,
        "snapshot": snapshot,
        "recipe": {"rank": 8, "rate": 1e-3, "targets": ["q_proj", "v_proj"]},
        "seed": seed,
        "versions": {"persona": "0.1.0"},
        "created_at": NOON + timedelta(hours=seed),
    }
    return Build(**{**fields, **changes})


def safetensors_bytes(header: dict | bytes, data: bytes) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def weights(seed: int = 1) -> bytes:
    header = {
        "__metadata__": {"format": "pt"},
        "a.lora_A.weight": {"dtype": "F32", "shape": [1, 4], "data_offsets": [0, 16]},
        "a.lora_B.weight": {"dtype": "BF16", "shape": [4, 1], "data_offsets": [16, 24]},
    }
    return safetensors_bytes(header, bytes((seed + i) % 256 for i in range(24)))


def gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def gguf_adapter(*, kind: str = "adapter", values: int = 8) -> bytes:
    """A GGUF v3 file with one F32 tensor of `values` values; every kind of metadata that must be skipped."""
    fields = [
        gguf_text("general.type") + struct.pack("<I", 8) + gguf_text(kind),
        gguf_text("adapter.lora.alpha") + struct.pack("<If", 6, 16.0),
        gguf_text("some.list") + struct.pack("<IIQ", 9, 4, 2) + struct.pack("<II", 1, 2),
        gguf_text("some.names") + struct.pack("<IIQ", 9, 8, 1) + gguf_text("x"),
    ]
    tensor = gguf_text("blk.0.attn_q.weight.lora_a") + struct.pack("<IQIQ", 1, values, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(fields)) + b"".join(fields) + tensor
    padding = bytes(-len(head) % 32)
    return head + padding + bytes(range(values * 4))


def fill(staged: Path, *, seed: int = 1, gguf: bool = False) -> Path:
    (staged / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}))
    (staged / "adapter_model.safetensors").write_bytes(weights(seed))
    if gguf:
        (staged / "adapter.gguf").write_bytes(gguf_adapter())
    return staged


def publish(registry: Registry, *, seed: int = 1, gguf: bool = False, **changes: object) -> Revision:
    staged = fill(registry.stage(f"run-{seed}"), seed=seed, gguf=gguf)
    return registry.publish(staged, build(seed=seed, **changes))


def contents(root: Path) -> dict[str, bytes]:
    """Every file below `root`, by relative path: the whole state of a registry."""
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }
