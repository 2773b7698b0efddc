"""Takes an adapter's scale back until it leaves the base alone where it should.

Some of the base's own answers are kept out of replay training. How far the finished adapter is from the base
on those is known before any judge sees it, and a divergence near zero grows with the square of the scale: so
a build that learned too much is made weaker, which costs seconds, instead of being refused.
After STABLE's rescale-or-reject (arXiv 2510.16089).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from persona.train.losses import replay_divergence
from persona.train.model import Passes, measured
from persona.train.recipe import Restraint
from persona.train.replay import ReplayRow

_TRIES = 4
_MARGIN = 0.97  # a little more than needed, so that one try mostly does


@dataclass(frozen=True, kw_only=True, slots=True)
class Restrained:
    """`scale` of what was trained, 1 when nothing was taken back; `drift` in nats per token, then."""

    scale: float = 1.0
    drift: float | None = None


def parted(
    rows: Sequence[ReplayRow], restraint: Restraint
) -> tuple[tuple[ReplayRow, ...], tuple[ReplayRow, ...]]:
    """(what is trained on, what is kept apart): evenly spread, and never more than a quarter kept apart."""
    apart = min(restraint.rows, len(rows) // 4)
    if apart == 0:
        return tuple(rows), ()
    every = len(rows) / apart
    chosen = {int(n * every) for n in range(apart)}
    return (
        tuple(row for i, row in enumerate(rows) if i not in chosen),
        tuple(row for i, row in enumerate(rows) if i in chosen),
    )


def restrain(model: Any, rows: Sequence[ReplayRow], restraint: Restraint, passes: Passes) -> Restrained:
    """Scale the adapter of `model` in place until its divergence on `rows` is at most `restraint.drift`.

    It never goes below `restraint.least`: what drifts even then is for the gate to refuse.
    """
    if not rows:
        return Restrained()
    scale = 1.0
    drift = divergence(model, rows, passes)
    for _ in range(_TRIES):
        if drift <= restraint.drift or scale <= restraint.least:
            break
        wanted = max(restraint.least, scale * _MARGIN * math.sqrt(restraint.drift / drift))
        _multiply(model, wanted / scale)
        scale = wanted
        drift = divergence(model, rows, passes)
    return Restrained(scale=scale, drift=drift)


def divergence(model: Any, rows: Sequence[ReplayRow], passes: Passes) -> float:
    """Mean over `rows` of KL(base || adapter) per token, as the gate's drift is a mean over answers."""

    def means(logits: Tensor, block: dict[str, Tensor], portion: list[int]) -> list[float]:
        part = [rows[i] for i in portion]
        values = replay_divergence(
            logits,
            torch.cat([row.likeliest.kept for row in part]).long().to(passes.device),
            torch.cat([row.likeliest.logprobs for row in part]).float().to(passes.device),
        )
        return [float(values[block["completion"] == n].mean()) for n in range(len(part))]

    return sum(measured(model, [(row.prompt, row.completion) for row in rows], means, passes)) / len(rows)


@torch.no_grad()
def _multiply(model: Any, factor: float) -> None:
    """B times a factor is the adapter at that scale, for every program that reads it."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and ".lora_B." in name:
            parameter.mul_(factor)
