"""Hidden states and logits where a completion is, and nowhere else.

Scoring every position would cost a vocabulary of logits for each prompt token; on a small base that is
most of a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from persona.errors import TrainingError
from persona.train.batches import block_of
from persona.train.losses import per_sequence, token_logprobs

Sequences = Sequence[tuple[Sequence[int], Sequence[int]]]
_STANDARD = {"full_attention", "sliding_attention"}


def require_plain_attention(config: Any) -> None:
    """Blocks bring their own attention mask, which only models with plain attention layers honour.

    Sliding windows count as plain, since a row is shorter than any window in use. Raises TrainingError.
    """
    kinds = set(getattr(config, "layer_types", None) or ()) - _STANDARD
    if kinds:
        raise TrainingError(
            f"a base with {', '.join(sorted(kinds))} layers cannot be trained yet: "
            "choose one with attention only"
        )


def completion_logits(model: Any, block: Mapping[str, Tensor]) -> Tensor:
    """Logits (T, V) at the positions `at` of a block, with or without an adapter."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    trunk: nn.Module = getattr(causal, causal.base_model_prefix)
    mask = torch.zeros(block["attention_mask"].shape, dtype=causal.dtype, device=block["input_ids"].device)
    mask.masked_fill_(~block["attention_mask"], torch.finfo(causal.dtype).min)
    hidden = trunk(
        input_ids=block["input_ids"],
        position_ids=block["position_ids"],
        attention_mask=mask,
        use_cache=False,
    ).last_hidden_state
    logits: Tensor = causal.get_output_embeddings()(hidden.flatten(0, 1)[block["at"]])
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


def _blocks(
    sequences: Sequences, *, pad: int, device: str, budget: int
) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
    for portion in _portions(sequences, budget):
        block = block_of([sequences[i] for i in portion], pad)
        yield portion, {name: tensor.to(device) for name, tensor in block.items()}


@torch.no_grad()
def sequence_logprobs(
    model: Any, sequences: Sequences, *, pad: int, device: str, budget: int = 768
) -> list[float]:
    """log p(completion | prompt) of each sequence, in nats."""
    found = [0.0] * len(sequences)
    for portion, block in _blocks(sequences, pad=pad, device=device, budget=budget):
        logprobs = token_logprobs(completion_logits(model, block), block["targets"])
        sums = per_sequence(logprobs, block["completion"], len(portion))
        for i, value in zip(portion, sums.tolist(), strict=True):
            found[i] = value
    return found


@torch.no_grad()
def top_logprobs(
    model: Any, sequences: Sequences, k: int, *, pad: int, device: str, budget: int = 768
) -> list[tuple[Tensor, Tensor]]:
    """The k likeliest tokens at each completion position: (ids, log-probabilities), each (T, k)."""
    found: list[tuple[Tensor, Tensor]] = [(torch.empty(0), torch.empty(0))] * len(sequences)
    for portion, block in _blocks(sequences, pad=pad, device=device, budget=budget):
        values, ids = torch.log_softmax(completion_logits(model, block).float(), dim=-1).topk(k, dim=-1)
        for n, i in enumerate(portion):
            own = block["completion"] == n
            found[i] = (ids[own].cpu(), values[own].cpu())
    return found
