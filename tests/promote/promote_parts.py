"""Registries with a history, of adapters of a few bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from adapters import BaseRef, Build, Registry

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def clock() -> Iterator[datetime]:
    """One day an operation."""
    at = NOON
    while True:
        at += timedelta(days=1)
        yield at


def registry_with(root: Path, *ends: str) -> tuple[Registry, list[str]]:
    """r1, r2, … each published and then "promote"d, "reject"ed, or left a "candidate"."""
    times = clock()
    registry = Registry.open(root / "adapters", clock=lambda: next(times))
    ids = []
    for number, end in enumerate(ends, start=1):
        staged = registry.stage(f"n-{number}")
        (staged / "adapter_config.json").write_text(json.dumps({"r": 1}))
        save_file({"a": np.full(64, number, np.float32)}, staged / "adapter_model.safetensors")
        base = BaseRef(name="b", fingerprint="f", weights="w", tokenizer="t", template="t", quantisation="n")
        revision = registry.publish(
            staged,
            Build(
                identity="me",
                parent="r0",
                base=base,
                snapshot=f"d-{number}",
                recipe={},
                seed=number,
                versions={},
                created_at=NOON,
            ),
        )
        ids.append(revision.id)
        if end == "promote":
            registry.promote(revision.id, expected=registry.champion(), reason="better")
        elif end == "reject":
            registry.reject(revision.id, "no better")
    return registry, ids
