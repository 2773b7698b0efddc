"""An adapter at the scale that drifts as much as it may."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from learning.lives import evening
from learning.mornings import Morning, morning_of
from learning.weakened import ALLOWED, weakened
from safetensors.numpy import save_file

from adapters import BaseRef, Build, Registry
from adapters.layout import CONFIG
from persona.errors import TrainingError

BASE: Any = SimpleNamespace(gguf=None)
REF = BaseRef(name="b", fingerprint="f", weights="w", tokenizer="t", template="t", quantisation="n")


def learnt(folder: Path) -> Morning:
    """The morning after a night that made an adapter with an alpha of 16."""
    registry = Registry.open(folder / "adapters")
    staged = registry.stage("night")
    (staged / CONFIG).write_text(json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 16}))
    save_file({"a.lora_A.weight": np.ones((1, 4), np.float32)}, staged / "adapter_model.safetensors")
    build = Build(
        identity="nell", parent="r0", base=REF, snapshot="night-1", recipe={"rank": 8}, seed=0, versions={},
        created_at=evening(1),
    )  # fmt: skip
    return morning_of(registry.publish(staged, build), registry.root, training={"steps": 6.0})


def strength(morning: Morning) -> float:
    """Of its adapter, in terms of what was learnt."""
    assert morning.adapters is not None
    revision = Registry.open(morning.adapters, create=False).resolve(morning.revision)
    alpha: float = json.loads(revision.file(CONFIG).read_bytes())["lora_alpha"]  # type: ignore[union-attr]
    return alpha / 16


@pytest.mark.parametrize("power", [1.5, 2.0, 2.6])
def test_it_drifts_as_much_as_it_may_and_no_less(tmp_path: Path, power: float) -> None:
    """However exactly drift grows with the scale; and the chain's own registry has nothing new."""
    strong = learnt(tmp_path)

    def drift(morning: Morning) -> float:
        return 0.24 * strength(morning) ** power

    weak = weakened(strong, BASE, drift)

    assert 0.9 * ALLOWED <= drift(weak) <= ALLOWED
    assert strong.training == weak.training
    assert [strong.revision] == [each.id for each in Registry.open(tmp_path / "adapters").revisions()]
    assert weak == weakened(strong, BASE, drift)  # found, not made again
    assert [] == Registry.open(tmp_path / "weakened", create=False).verify(deep=True)


def test_what_drifts_little_stays_as_it_is(tmp_path: Path) -> None:
    """So does the bare base, and what was not measured."""
    strong = learnt(tmp_path)
    for drift in (ALLOWED, None):
        assert strong is weakened(strong, BASE, lambda _, drift=drift: drift)  # type: ignore[misc]
    bare = Morning()
    assert bare is weakened(bare, BASE, lambda _: 1.0)


def test_what_drifts_at_any_scale_is_an_error(tmp_path: Path) -> None:
    """Nothing that drifts more may stand in the row of what does not."""
    with pytest.raises(TrainingError, match=r"still drifts by 0\.200"):
        weakened(learnt(tmp_path), BASE, lambda _: 0.2)
