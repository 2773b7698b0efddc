"""Hidden states and logits where a completion is, and nowhere else.

Scoring every position would cost a vocabulary of logits for each prompt token; on a small base that is
most of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from persona.engine.workers import Workers
from persona.errors import TrainingError
from persona.train.batches import Stem, block_of
from persona.train.losses import per_sequence, token_logprobs


@dataclass(frozen=True, kw_only=True)
class Passes:
    """How sequences go through the model when nothing is trained.

    Padded with `pad`, in portions of at most `budget` padded tokens (or one sequence), by `workers`.
    """

    device: str
    pad: int
    workers: Workers
    budget: int = 768


Sequences = Sequence[tuple[Sequence[int], Sequence[int]]]
Found = TypeVar("Found")
KeysValues = Sequence[tuple[Tensor, Tensor]]
"""Of each layer, what it made of the tokens before: (1, heads, tokens, size) each."""
_SHORT = 384  # tokens
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


def attention_for(longest: int) -> str:
    """The implementation for sequences of at most so many tokens, on a CPU.

    Plain products are faster on short ones than torch's fused attention, above all on the way back. They
    keep a square of the length for each head, which long ones cannot afford.
    """
    return "eager" if longest <= _SHORT else "sdpa"


def completion_logits(model: Any, block: Mapping[str, Tensor]) -> Tensor:
    """Logits (T, V) at the positions `at` of a block, with or without an adapter."""
    return logits_of(model, completion_hidden(model, block))


def completion_hidden(model: Any, block: Mapping[str, Tensor], opening: KeysValues = ()) -> Tensor:
    """Last hidden states (T, H) at the positions `at` of a block, which may go on from an `opening`."""
    causal, trunk = causal_and_trunk(model)
    rows = len(block["input_ids"])
    mask = torch.zeros(block["attention_mask"].shape, dtype=causal.dtype, device=block["input_ids"].device)
    mask.masked_fill_(~block["attention_mask"], torch.finfo(causal.dtype).min)
    before = [(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)) for keys, values in opening]
    hidden: Tensor = trunk(
        input_ids=block["input_ids"],
        position_ids=block["position_ids"],
        attention_mask=mask,
        past_key_values=DynamicCache(before) if before else None,
        use_cache=bool(before),
    ).last_hidden_state
    return hidden.flatten(0, 1)[block["at"]]


def logits_of(model: Any, hidden: Tensor) -> Tensor:
    """What the model's head makes of hidden states: (T, H) -> (T, V)."""
    causal, _ = causal_and_trunk(model)
    logits: Tensor = causal.get_output_embeddings()(hidden)
    softcap = getattr(causal.config, "final_logit_softcapping", None)
    return torch.tanh(logits / softcap) * softcap if softcap else logits


def causal_and_trunk(model: Any) -> tuple[Any, nn.Module]:
    """The model with its head, and without it; with an adapter in both, if there is one."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    return causal, getattr(causal, causal.base_model_prefix)


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


def measured(
    model: Any,
    sequences: Sequences,
    measure: Callable[[Tensor, dict[str, Tensor], list[int]], Sequence[Found]],
    passes: Passes,
) -> list[Found]:
    """What `measure` finds for each sequence, from a portion's logits, its block and its indices."""

    def one(portion: list[int]) -> Sequence[Found]:
        block = block_of([Stem(branches=[sequences[i]]) for i in portion], passes.pad)
        at = {name: tensor.to(passes.device) for name, tensor in block.items()}
        with torch.no_grad():
            return measure(completion_logits(model, at), at, portion)

    portions = _portions(sequences, passes.budget)
    by_index = {
        i: value
        for portion, values in zip(portions, passes.workers.map(one, portions), strict=True)
        for i, value in zip(portion, values, strict=True)
    }
    return [by_index[i] for i in range(len(sequences))]


def sequence_logprobs(model: Any, sequences: Sequences, passes: Passes) -> list[float]:
    """log p(completion | prompt) of each sequence, in nats."""

    def sums(logits: Tensor, block: dict[str, Tensor], portion: list[int]) -> list[float]:
        logprobs = token_logprobs(logits, block["targets"])
        found: list[float] = per_sequence(logprobs, block["completion"], len(portion)).tolist()
        return found

    return measured(model, sequences, sums, passes)


def top_logprobs(model: Any, sequences: Sequences, k: int, passes: Passes) -> list[tuple[Tensor, Tensor]]:
    """The k likeliest tokens at each completion position: (ids, log-probabilities), each (T, k)."""

    def likeliest(
        logits: Tensor, block: dict[str, Tensor], portion: list[int]
    ) -> list[tuple[Tensor, Tensor]]:
        values, ids = torch.log_softmax(logits.float(), dim=-1).topk(k, dim=-1)
        own = [block["completion"] == n for n in range(len(portion))]
        return [(ids[each].cpu(), values[each].cpu()) for each in own]

    return measured(model, sequences, likeliest, passes)
