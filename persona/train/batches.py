"""Micro-batches as tensors: every sequence of a micro-batch in one padded block, completions marked.

Layout of the sequences: chosen sides of all user rows, then rejected sides of the pairs, then replay rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from persona.train.plan import Micro, Plan
from persona.train.replay import ReplayRow
from persona.train.rows import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What a plan's indices point at. `base_logprobs` has (chosen, rejected) under the base for each pair."""

    rows: Sequence[Row]
    base_logprobs: Sequence[tuple[float, float] | None]
    replay: Sequence[ReplayRow]
    pad: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTotals:
    """Over all micro-batches of a step, so that a step's loss does not depend on how it was divided."""

    chosen_tokens: int
    pairs: int
    replay_tokens: int


def totals(plan: Plan, material: Material) -> list[StepTotals]:
    """One entry per step of the plan."""
    found = [[0, 0, 0] for _ in range(plan.steps)]
    for micro in plan.micros:
        step = found[micro.step]
        step[0] += sum(len(material.rows[i].chosen) for i in micro.user)
        step[1] += sum(1 for i in micro.user if material.rows[i].rejected)
        step[2] += sum(len(material.replay[i].completion) for i in micro.replay)
    return [StepTotals(chosen_tokens=a, pairs=b, replay_tokens=c) for a, b, c in found]


def pad_block(sequences: Sequence[tuple[Sequence[int], Sequence[int]]], pad: int) -> dict[str, Tensor]:
    """(prompt, completion) ids -> right-padded block.

    input_ids, attention_mask (N, L); `at` (T,) flat positions whose next token is a completion token,
    `targets` (T,) those tokens, `sequence` (T,) the sequence of each.
    """
    longest = max(len(p) + len(c) for p, c in sequences)
    ids = torch.full((len(sequences), longest), pad, dtype=torch.long)
    mask = torch.zeros((len(sequences), longest), dtype=torch.long)
    at: list[int] = []
    targets: list[int] = []
    sequence: list[int] = []
    for n, (prompt, completion) in enumerate(sequences):
        length = len(prompt) + len(completion)
        ids[n, :length] = torch.tensor([*prompt, *completion])
        mask[n, :length] = 1
        first = n * longest + len(prompt) - 1
        at.extend(range(first, first + len(completion)))
        targets.extend(completion)
        sequence.extend([n] * len(completion))
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "at": torch.tensor(at),
        "targets": torch.tensor(targets),
        "sequence": torch.tensor(sequence),
    }


def collate(micro: Micro, material: Material, step: StepTotals) -> dict[str, Tensor]:
    """The tensors of one micro-batch; an empty one (padding of the plan) has no `input_ids`."""
    rows = [material.rows[i] for i in micro.user]
    paired = [n for n, row in enumerate(rows) if row.rejected]
    replay = [material.replay[i] for i in micro.replay]
    norms = torch.tensor([step.chosen_tokens, step.pairs, step.replay_tokens], dtype=torch.float32)
    if not rows and not replay:
        return {"norms": norms}
    block = pad_block(
        [(row.prompt, row.chosen) for row in rows]
        + [(rows[n].prompt, rows[n].rejected) for n in paired]
        + [(row.prompt, row.completion) for row in replay],
        material.pad,
    )
    base = [material.base_logprobs[micro.user[n]] or (0.0, 0.0) for n in paired]
    block |= {
        "norms": norms,
        "counts": torch.tensor([len(rows), len(paired), len(replay)]),
        "paired": torch.tensor(paired, dtype=torch.long),
        "base_logprobs": torch.tensor(base, dtype=torch.float32).reshape(-1, 2),
    }
    if replay:
        block["kept"] = torch.cat([row.kept for row in replay]).long()
        block["kept_logprobs"] = torch.cat([row.logprobs for row in replay]).float()
    return block
