"""How the two chains of trl train: as a user of trl would, with the defaults that trl brings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from persona.train import Recipe

Trainer = Literal["sft", "dpo"]
_EPOCHS = 3
_RATES: Mapping[Trainer, float] = {"sft": 1e-3, "dpo": 1e-4}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainRecipe:
    """LoRA over yesterday's adapter. `beta` is DPO's; its reference is trl's own choice."""

    trainer: Trainer
    learning_rate: float
    rank: int
    alpha: int
    modules: tuple[str, ...]
    batch: int
    max_tokens: int
    beta: float
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return {**asdict(self), "modules": list(self.modules)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> ChainRecipe:
        return cls(**{**plain, "modules": tuple(plain["modules"])})


def chain_recipe(trainer: Trainer, recipe: Recipe) -> ChainRecipe:
    """Shape, rows a step and seed are those of persona's recipe; the rates are usual ones for LoRA."""
    return ChainRecipe(
        trainer=trainer,
        learning_rate=_RATES[trainer],
        rank=recipe.shape.rank,
        alpha=recipe.shape.alpha,
        modules=recipe.shape.modules,
        batch=recipe.schedule.batch,
        max_tokens=recipe.schedule.max_tokens,
        beta=0.1,
        seed=recipe.seed,
    )


def chain_steps(rows: int, recipe: Recipe) -> int:
    """transformers' own three epochs of the day's rows, at most what persona's schedule allows a night."""
    return min(max(1, math.ceil(rows * _EPOCHS / recipe.schedule.batch)), recipe.schedule.max_steps)
