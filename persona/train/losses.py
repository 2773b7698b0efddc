"""The three terms of a step, as functions of tensors.

Shapes: T tokens of completions laid end to end, V the vocabulary, K the kept base tokens, N sequences.
All in float32 and in nats.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as nn


def token_logprobs(logits: Tensor, targets: Tensor) -> Tensor:
    """log p(target) for each token: (T, V), (T,) -> (T,)."""
    return -nn.cross_entropy(logits.float(), targets, reduction="none")


def per_sequence(values: Tensor, sequence: Tensor, count: int) -> Tensor:
    """Sums token values by the sequence that each belongs to: (T,), (T,) -> (N,)."""
    return torch.zeros(count, dtype=values.dtype, device=values.device).index_add(0, sequence, values)


def starts(sequence: Tensor) -> Tensor:
    """True at the first token of each sequence: (T,) -> (T,)."""
    found = torch.ones_like(sequence, dtype=torch.bool)
    found[1:] = sequence[1:] != sequence[:-1]
    return found


def preference_loss(
    chosen: Tensor, rejected: Tensor, base_chosen: Tensor, base_rejected: Tensor, *, beta: float
) -> Tensor:
    """DPO's sigmoid loss for each pair, from log-probabilities of whole completions: four (P,) -> (P,).

    Rafailov et al. 2023, arXiv 2305.18290, equation 7; the reference is always the bare base.
    """
    margin = (chosen - base_chosen) - (rejected - base_rejected)
    return -nn.logsigmoid(beta * margin)


def replay_divergence(logits: Tensor, kept: Tensor, base_logprobs: Tensor) -> Tensor:
    """KL(base || adapter) for each token over the kept tokens and one bucket for all others.

    logits (T, V) of the adapter, kept (T, K) token ids, base_logprobs (T, K) of the base. By the log-sum
    inequality this is never more than the KL over the whole vocabulary.
    """
    logprobs = nn.log_softmax(logits.float(), dim=-1).gather(-1, kept)
    base = base_logprobs.float()
    tail = _log_rest(logprobs)
    base_tail = _log_rest(base)
    return (base.exp() * (base - logprobs)).sum(-1) + base_tail.exp() * (base_tail - tail)


def _log_rest(logprobs: Tensor) -> Tensor:
    """log(1 - sum of exp): the mass outside the kept tokens, kept away from log(0)."""
    return torch.log1p(-logprobs.exp().sum(-1).clamp(max=1 - 1e-6))
