"""Hidden states and logits where a completion is, and nowhere else.

Scoring every position would cost a vocabulary of logits for each prompt token; on a small base that is
most of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from persona.train.batches import pad_block
from persona.train.losses import per_sequence, token_logprobs

Sequences = Sequence[tuple[Sequence[int], Sequence[int]]]


def completion_logits(model: Any, input_ids: Tensor, attention_mask: Tensor, at: Tensor) -> Tensor:
    """Logits (T, V) at the flat positions `at` of a (N, L) block, with or without an adapter."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    trunk: nn.Module = getattr(causal, causal.base_model_prefix)
    hidden = trunk(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
    logits: Tensor = causal.get_output_embeddings()(hidden.flatten(0, 1)[at])
    softcap = getattr(causal.config, "final_logit_softcapping", None)
    return torch.tanh(logits / softcap) * softcap if softcap else logits


def _portions(sequences: Sequences, budget: int) -> list[list[int]]:
    """Indices of neighbours in length, each portion at most `budget` padded tokens (or one sequence)."""
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i][0]) + len(sequences[i][1]))
    portions: list[list[int]] = []
    for i in order:
        length = len(sequences[i][0]) + len(sequences[i][1])
        if portions and length * (len(portions[-1]) + 1) <= budget:
            portions[-1].append(i)
        else:
            portions.append([i])
    return portions


@torch.no_grad()
def sequence_logprobs(
    model: Any, sequences: Sequences, *, pad: int, device: str, budget: int = 2048
) -> list[float]:
    """log p(completion | prompt) of each sequence, in nats."""
    found = [0.0] * len(sequences)
    for portion in _portions(sequences, budget):
        block = {k: v.to(device) for k, v in pad_block([sequences[i] for i in portion], pad).items()}
        logits = completion_logits(model, block["input_ids"], block["attention_mask"], block["at"])
        sums = per_sequence(token_logprobs(logits, block["targets"]), block["sequence"], len(portion))
        for i, value in zip(portion, sums.tolist(), strict=True):
            found[i] = value
    return found


@torch.no_grad()
def top_logprobs(
    model: Any, sequences: Sequences, k: int, *, pad: int, device: str, budget: int = 2048
) -> list[tuple[Tensor, Tensor]]:
    """The k likeliest tokens at each completion position: (ids, log-probabilities), each (T, k)."""
    found: list[tuple[Tensor, Tensor]] = [(torch.empty(0), torch.empty(0))] * len(sequences)
    for portion in _portions(sequences, budget):
        block = {n: v.to(device) for n, v in pad_block([sequences[i] for i in portion], pad).items()}
        logits = completion_logits(model, block["input_ids"], block["attention_mask"], block["at"])
        values, ids = torch.log_softmax(logits.float(), dim=-1).topk(k, dim=-1)
        for n, i in enumerate(portion):
            own = block["sequence"] == n
            found[i] = (ids[own].cpu(), values[own].cpu())
    return found
