"""How a base's weights are held for training and scoring: a pure choice, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from persona.base import Base
from persona.engine.tensors import model_tensors

Quantisation = Literal["none", "nf4"]

_HEADROOM = 1.25  # activations, the adapter and its optimiser, beside the weights
_DENSE_BYTES = {"cuda": 2.0, "mps": 4.0, "cpu": 4.0}  # bf16 on CUDA; the others may have to use float32
_NF4_BYTES = 0.75  # 4 bits and their scales; embeddings and head stay in 16 bits


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """`reason` is one line for people."""

    quantisation: Quantisation
    reason: str


def choose_quantisation(*, device: str, parameters: int, free_memory: int) -> Choice:
    """What suits `parameters` weights on `device` ("cpu", "cuda", "cuda:1", "mps") with this many bytes free.

    NF4 is the rule on CUDA. On a CPU it saves memory and costs accuracy, so dense weights are taken while
    they fit; mps has no NF4.
    """
    kind = device.partition(":")[0]
    dense = parameters * _DENSE_BYTES.get(kind, 4.0) * _HEADROOM
    free = f"{free_memory / 1e9:.1f} GB are free"
    if kind == "cuda":
        return Choice(quantisation="nf4", reason="NF4 with double quantisation, as on every CUDA device")
    if kind != "cpu":
        return Choice(quantisation="none", reason=f"dense, since there is no NF4 on {kind}")
    if dense <= free_memory:
        return Choice(quantisation="none", reason=f"dense: {dense / 1e9:.1f} GB are needed and {free}")
    need = parameters * _NF4_BYTES * _HEADROOM
    return Choice(
        quantisation="nf4",
        reason=f"NF4: dense weights need {dense / 1e9:.1f} GB, NF4 {need / 1e9:.1f} GB, and {free}",
    )


def parameter_count(base: Base) -> int:
    """How many weights the base has, from its files' headers; tied ones count once."""
    total = 0
    for tensor in model_tensors(base.weights).values():
        count = 1
        for length in tensor.shape:
            count *= length
        total += count
    return total
