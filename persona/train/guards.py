"""What must hold of a training for its result to become a revision; each guard raises BrokenNumerics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from persona.errors import BrokenNumerics

MIN_CHANGE = 1e-6


def finite_step(step: int, loss: float, grad_norm: float) -> None:
    """Loss and gradient norm of one step are finite."""
    if not math.isfinite(loss):
        raise BrokenNumerics(f"loss became {loss} at step {step}: lower recipe.schedule.learning_rate")
    if not math.isfinite(grad_norm):
        raise BrokenNumerics(
            f"gradient became {grad_norm} at step {step}: lower recipe.schedule.learning_rate"
        )


def learnt(norms: Iterable[float]) -> None:
    """At least one step had a gradient: a frozen adapter trains without complaint otherwise."""
    if not any(norm > 0 for norm in norms):
        raise BrokenNumerics("no step had a gradient: no parameter of the adapter was trained")


def finite_tensors(tensors: Mapping[str, Tensor]) -> None:
    """Every tensor is finite, as it is and in the precision that it will be written in."""
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise BrokenNumerics(f"{name} holds a value that is not finite")


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> None:
    """Every LoRA tensor moved. One that did not points at lost gradients (4-bit layers) or a wrong mask."""
    still = [n for n, t in after.items() if (t.float() - before[n].float()).abs().max().item() < MIN_CHANGE]
    if still:
        raise BrokenNumerics(
            f"{len(still)} of {len(after)} adapter tensors did not move, the first is {still[0]}"
        )


def ends_with_eos(rows: Iterable[tuple[int, ...]], eos: int) -> None:
    """Every trained completion ends with the base's end token, or the model would never learn to stop."""
    for number, completion in enumerate(rows):
        if not completion or completion[-1] != eos:
            raise BrokenNumerics(f"completion {number} does not end with the end token {eos}")
