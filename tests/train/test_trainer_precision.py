"""A step that claims bf16 computes in bf16: the adapter's products too, or a night takes twice as long."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from persona.train.batches import Stem, block_of
from persona.train.model import completion_logits
from persona.train.trainer import NightTrainer


@pytest.mark.parametrize(("bf16", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_the_adapter_multiplies_in_the_precision_of_the_step(
    tiny_model: Any, bf16: bool, expected: torch.dtype
) -> None:
    """Our step calls the trunk of the model, around which nobody puts autocast but ourselves."""
    base = tiny_model.to(torch.bfloat16) if bf16 else tiny_model
    model = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"]))
    seen: set[torch.dtype] = set()
    for name, module in model.named_modules():
        if name.endswith("lora_A.default"):
            module.register_forward_hook(lambda _module, _given, made: seen.add(made.dtype))
    block = block_of([Stem(branches=[((5, 6), (7, 2))])], pad=2)
    trainer: Any = SimpleNamespace(
        args=SimpleNamespace(device=torch.device("cpu"), bf16=bf16),
        _loss=lambda model, inputs, _opening: (completion_logits(model, inputs).float().sum(), {}),
    )
    trainer._autocast = partial(NightTrainer._autocast, trainer)

    loss, _ = NightTrainer.loss_of(trainer, model, block)
    loss.backward()

    assert {expected} == seen
