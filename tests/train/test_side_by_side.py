"""A step's micro-batches side by side give the gradients that they give one after the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import PreTrainedTokenizerFast

from persona.engine.workers import Workers
from persona.train.batches import Material, lengths
from persona.train.plan import plan
from persona.train.recipe import Recipe, Schedule
from persona.train.rows import Row
from persona.train.trainer import NightTrainer

ROWS = [
    Row(prompt=(5, 6, 7), chosen=(8, 9, 2)),
    Row(prompt=(20, 21), chosen=(22, 23, 2), rejected=(24, 2)),
    Row(prompt=(30, 31, 32, 33), chosen=(34, 2)),
    Row(prompt=(40,), chosen=(41, 42, 43, 44, 2)),
]
BEGIN = (50, 51, 52, 53)


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    words = {f"w{n}": n for n in range(96)}
    plain = Tokenizer(WordLevel(words, unk_token="w0"))
    return PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="w2", pad_token="w2")


def trained(
    model: Any,
    tokenizer: Any,
    scratch: Path,
    recipe: Recipe,
    rows: list[Row],
    *,
    threads: int = 1,
    opening: tuple[int, ...] = (),
) -> tuple[Any, list[dict[str, float]]]:
    """The model with its adapter, and the terms of each step."""
    torch.manual_seed(0)
    model = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj", "up_proj"]))
    with Workers(device="cpu", threads=threads) as workers:
        trainer = NightTrainer(
            model=model,
            tokenizer=tokenizer,
            recipe=recipe,
            plan=plan(
                user_lengths=lengths(rows, opening),
                replay_lengths=[],
                schedule=recipe.schedule,
                seed=3,
                workers=workers.count,
            ),
            rate=recipe.schedule.learning_rate,
            material=Material(
                rows=rows,
                base_logprobs=[(-9.0, -7.0) if row.rejected else None for row in rows],
                replay=[],
                pad=2,
                opening=opening,
            ),
            scratch=scratch,
            workers=workers,
            device="cpu",
            bf16=False,
            on_step=lambda step, of, entry: None,
            told=Event(),
        )
        trainer.train()
    return model, trainer.history


@pytest.mark.parametrize(
    "other", [{"threads": 2}, {"opening": BEGIN}, {"threads": 2, "opening": BEGIN}], ids=str
)
def test_how_a_step_is_computed_changes_nothing(
    tiny_model: Any, tokenizer: Any, tmp_path: Path, other: dict[str, Any]
) -> None:
    """Two steps with two workers, or with an opening that is computed once: the same losses and adapter."""
    recipe = Recipe(schedule=Schedule(min_steps=2, max_steps=2, micro_tokens=16, batch=6))
    rows = [*ROWS, *(replace(row, prompt=(*BEGIN, *row.prompt)) for row in ROWS[:3])]
    start = {name: tensor.clone() for name, tensor in tiny_model.state_dict().items()}
    found = []
    for how in ({}, other):
        tiny_model.load_state_dict(start)
        model, history = trained(tiny_model, tokenizer, tmp_path, recipe, rows, **how)
        found.append(
            (history, {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad})
        )
        tiny_model = model.unload()
    (history, adapter), (also, again) = found
    assert len(history) == 2
    for one, other_one in zip(history, also, strict=True):
        assert one == pytest.approx(other_one, rel=1e-4)
    for name, tensor in adapter.items():
        torch.testing.assert_close(tensor, again[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("whole", "term"), [(True, "written"), (False, "demonstration")])
def test_what_practice_leaves_out_is_learnt_from_what_was_written(
    tiny_model: Any, tokenizer: Any, tmp_path: Path, whole: bool, term: str
) -> None:
    """What the user wrote counts less only where practice shows all of the style."""
    recipe = Recipe(schedule=Schedule(min_steps=1, max_steps=1, batch=4))
    practised = Row(prompt=(5, 6), chosen=(7, 8, 2), practised=True, whole=whole)
    model, (step,) = trained(tiny_model, tokenizer, tmp_path, recipe, [*ROWS, practised])
    model.unload()
    assert {"practice", term} == step.keys() & {"practice", "written", "demonstration"}
