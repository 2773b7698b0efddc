"""Micro-batches as tensors: user rows, then replay rows, in one padded block with completions marked.

Both sides of a pair share one computation of their prompt, and calls one of the tools that their prompts
begin with: these are some ten times longer than a request and its call, so this is where a step's time goes
otherwise.
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
    """What a plan's indices point at. `base_logprobs` has (chosen, rejected) under the base for each pair.

    `opening` is what most prompts begin with, and a step computes once: see persona.train.opening.
    """

    rows: Sequence[Row]
    base_logprobs: Sequence[tuple[float, float] | None]
    replay: Sequence[ReplayRow]
    pad: int
    opening: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTotals:
    """Over all micro-batches of a step, so that a step's loss does not depend on how it was divided.

    `prose_tokens` and `call_tokens` are to be learnt from the user, `practice_tokens` from practice, and at
    `replay_tokens` the base's distribution is to be kept.
    """

    prose_tokens: int
    call_tokens: int
    practice_tokens: int
    pairs: int
    replay_tokens: int


def totals(plan: Plan, material: Material) -> list[StepTotals]:
    """One entry per step of the plan."""
    return [_totals(plan.of_step(step), material) for step in range(plan.steps)]


def _totals(micros: Sequence[Micro], material: Material) -> StepTotals:
    rows = [material.rows[i] for micro in micros for i in micro.user]
    replay = [material.replay[i] for micro in micros for i in micro.replay]
    return StepTotals(
        prose_tokens=sum(len(row.chosen) for row in rows if not row.practised and not row.calls),
        call_tokens=sum(len(row.chosen) - row.kept for row in rows if row.calls),
        practice_tokens=sum(len(row.chosen) - row.kept for row in rows if row.practised),
        pairs=sum(1 for row in rows if row.rejected),
        replay_tokens=sum(row.kept for row in rows) + sum(len(row.completion) for row in replay),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Stem:
    """Token ids that several prompts begin with, and its branches: (rest of a prompt, completion, …) each.

    The rest of a prompt is never empty: its last token is where a completion begins. `behind` so many tokens
    that are computed elsewhere, all of it goes on.
    """

    branches: Sequence[Sequence[Sequence[int]]]
    tokens: Sequence[int] = ()
    behind: int = 0

    def __len__(self) -> int:
        return len(self.tokens) + sum(len(part) for branch in self.branches for part in branch)


def block_of(stems: Sequence[Stem], pad: int) -> dict[str, Tensor]:
    """One right-padded block in which what several begin with is computed once.

    The branches of a stem stand one behind the other, and so do the completions of a branch. Each continues
    what it belongs to at the same positions, and none sees another: what the model gives for them is what it
    gives for prompt and completion alone. input_ids, position_ids (N, L); attention_mask (N, 1, L, P + L),
    true where a token sees another, P being the most tokens that a stem goes on from (`behind`); `at` (T,)
    flat positions whose next token is a completion token, `targets` (T,) those tokens, `completion` (T,) the
    number of the completion that each belongs to, counted through the block.
    """
    longest = max(map(len, stems))
    behind = max(stem.behind for stem in stems)
    ids = torch.full((len(stems), longest), pad, dtype=torch.long)
    positions = torch.zeros((len(stems), longest), dtype=torch.long)
    sees = torch.eye(longest, dtype=torch.bool).repeat(len(stems), 1, 1, 1)  # padding sees itself
    elsewhere = torch.zeros((len(stems), 1, longest, behind), dtype=torch.bool)
    at: list[int] = []
    targets: list[int] = []
    completion: list[int] = []
    count = 0

    def put(n: int, tokens: Sequence[int], start: int, position: int, seen: Sequence[slice]) -> slice:
        """`tokens` from place `start` on; they see themselves, as far as they have come, and `seen`."""
        here = slice(start, start + len(tokens))
        ids[n, here] = torch.tensor(tokens, dtype=torch.long)
        positions[n, here] = torch.arange(position, position + len(tokens))
        elsewhere[n, 0, here, : stems[n].behind] = True
        for before in seen:
            sees[n, 0, here, before] = True
        sees[n, 0, here, here] = torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
        return here

    for n, stem in enumerate(stems):
        trunk = put(n, stem.tokens, 0, stem.behind, ())
        free, deep = trunk.stop, stem.behind + trunk.stop
        for rest, *completions in stem.branches:
            branch = put(n, rest, free, deep, [trunk])
            free = branch.stop
            for tokens in completions:
                own = put(n, tokens, free, deep + len(rest), [trunk, branch])
                free = own.stop
                at.extend(n * longest + i for i in (branch.stop - 1, *range(own.start, own.stop - 1)))
                targets.extend(tokens)
                completion.extend([count] * len(tokens))
                count += 1
    return {
        "input_ids": ids,
        "position_ids": positions,
        "attention_mask": torch.cat([elsewhere, sees], dim=-1),
        "behind": torch.tensor(behind),
        "at": torch.tensor(at),
        "targets": torch.tensor(targets),
        "completion": torch.tensor(completion),
    }


def collate(micro: Micro, material: Material, step: StepTotals) -> dict[str, Tensor]:
    """The tensors of one micro-batch, `norms` being the totals of its whole step.

    `chosen` and `rejected` (P,) number the completions of each pair; `prose`, `calls` and `practised` those
    that are to be learnt, by what they are;
    `base` (T,) is true where the base's distribution is to be kept, given by `kept` and `kept_logprobs`.
    """
    rows = [material.rows[i] for i in micro.user]
    replay = [material.replay[i] for i in micro.replay]
    norms = torch.tensor(
        [step.prose_tokens, step.call_tokens, step.practice_tokens, step.pairs, step.replay_tokens],
        dtype=torch.float32,
    )
    if micro.shared:
        branches = [(row.prompt[micro.shared :], *row.completions) for row in rows]
        stems = [Stem(tokens=rows[0].prompt[: micro.shared], branches=branches)]
    else:
        stems = [_stem(row.prompt, row.completions, _before(row, material.opening)) for row in rows]
    stems += [_stem(row.prompt, (row.completion,), material.opening) for row in replay]
    block = block_of(stems, material.pad)
    learnt: dict[str, list[int]] = {"prose": [], "calls": [], "practised": []}
    chosen: list[int] = []
    base: list[bool] = []
    count = 0
    for row in rows:
        learnt["practised" if row.practised else "calls" if row.calls else "prose"].append(count)
        if row.rejected:
            chosen.append(count)
        count += 2 if row.rejected else 1
        base += [True] * row.kept + [False] * (len(row.chosen) - row.kept + len(row.rejected))
    base += [True] * sum(len(row.completion) for row in replay)
    likeliest = [row.own for row in rows if row.own] + [row.likeliest for row in replay]
    reference = [pair for i in micro.user if (pair := material.base_logprobs[i]) is not None]
    block |= {
        "norms": norms,
        "completions": torch.tensor(count),
        "base": torch.tensor(base),
        **{kind: torch.tensor(numbers, dtype=torch.long) for kind, numbers in learnt.items()},
        "chosen": torch.tensor(chosen, dtype=torch.long),
        "rejected": torch.tensor(chosen, dtype=torch.long) + 1,
        "base_logprobs": torch.tensor(reference, dtype=torch.float32).reshape(-1, 2),
    }
    if likeliest:
        block["kept"] = torch.cat([each.kept for each in likeliest]).long()
        block["kept_logprobs"] = torch.cat([each.logprobs for each in likeliest]).float()
    return block


def lengths(rows: Sequence[Row | ReplayRow], opening: Sequence[int]) -> list[int]:
    """Tokens of each row that a step pays for, where the opening is computed once for all."""
    return [row.length - _behind(_before(row, opening), row.prompt) for row in rows]


def _before(row: Row | ReplayRow, opening: Sequence[int]) -> Sequence[int]:
    """Calls have a beginning of their own that several share: see Micro."""
    return () if isinstance(row, Row) and row.calls else opening


def _stem(prompt: Sequence[int], completions: Sequence[Sequence[int]], opening: Sequence[int]) -> Stem:
    known = _behind(opening, prompt)
    return Stem(branches=[(prompt[known:], *completions)], behind=known)


def _behind(opening: Sequence[int], prompt: Sequence[int]) -> int:
    """All of the opening, if the prompt begins with it and has more: its last token starts a completion."""
    begins = len(prompt) > len(opening) and tuple(prompt[: len(opening)]) == tuple(opening)
    return len(opening) if begins else 0
