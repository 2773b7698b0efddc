"""Log-probabilities of given completions under a revision and under its base.

Each pair is computed alone, beside others on other cores, and only its completion is scored, so a score
depends on nothing but its pair and memory stays low. One model serves both sides: the base is the revision
with its adapter off.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

# It sets what the libraries below read when they are imported.
# isort: off
from persona.engine.torch_model import adapter_effect, attach_adapter, load_model, pick_device

# isort: on
import torch
from torch import Tensor

from persona.base import Base
from persona.engine.protocol import Prompt, Score
from persona.engine.quantisation import Quantisation, parameter_count
from persona.engine.wording import PROBE, Wording
from persona.engine.workers import Workers
from persona.errors import EngineClosed, EngineError
from store.records import Message

_FLOAT32_UP_TO = 500_000_000  # parameters; in bf16 a sum over a long answer is off by some tenths of a nat
_POSITIONS = 256  # computed in float32 over the whole vocabulary at once: 50 MB each for 50,000 tokens

_Pair = tuple[list[int], list[int]]
Item = TypeVar("Item")
Measured = TypeVar("Measured")


class TransformersScorer:
    """A Scorer. `adapter` is a PEFT folder, or None: then the revision is the base. Not thread-safe."""

    def __init__(
        self,
        base: Base,
        adapter: Path | None,
        revision: str,
        *,
        device: str = "auto",
        quantisation: Quantisation = "none",
    ) -> None:
        device = pick_device(device)
        exact = device == "cpu" and quantisation == "none" and parameter_count(base) <= _FLOAT32_UP_TO
        loaded = load_model(
            base, device=device, dtype=torch.float32 if exact else None, quantisation=quantisation
        )
        self._model: Any = attach_adapter(loaded, adapter) if adapter else loaded.model
        self._has_adapter = adapter is not None
        self._revision = revision
        self._wording = Wording(base, base.context_length)
        self._workers = Workers(device=device)

    def score(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[Score]:
        return self._side_by_side(self._score, self._pairs(prompts, completions))

    def score_base(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[Score]:
        with self._adapter_off():
            return self._side_by_side(self._score, self._pairs(prompts, completions))

    def divergence(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[float]:
        found: list[float] = []
        pairs = self._pairs(prompts, completions)
        for start in range(0, len(pairs), self._workers.count):  # the adapter is on or off for all of them
            part = pairs[start : start + self._workers.count]
            revised = self._side_by_side(self._logits, part)
            with self._adapter_off():
                bare = self._side_by_side(self._logits, part)
            found += self._side_by_side(_divergence, list(zip(revised, bare, strict=True)))
        return found

    def adapter_effect(self) -> float:
        """How far the adapter moves the likeliest next tokens of a short text, in nats; 0 without adapter."""
        return adapter_effect(self._model, self._wording.encode(PROBE)) if self._has_adapter else 0.0

    def close(self) -> None:
        """Idempotent."""
        self._model = None
        self._workers.close()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _pairs(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[_Pair]:
        if self._model is None:
            raise EngineClosed(self._revision)
        found: list[_Pair] = []
        for prompt, completion in zip(prompts, completions, strict=True):
            before, answer = self._wording.pair(prompt, completion)
            if len(before) + len(answer) > self._wording.context:
                raise EngineError(
                    f"prompt and completion have {len(before) + len(answer)} tokens "
                    f"and the base reads {self._wording.context}: leave this pair out"
                )
            found.append((before, answer))
        return found

    def _side_by_side(self, work: Callable[[Item], Measured], items: Sequence[Item]) -> list[Measured]:
        def measured(item: Item) -> Measured:
            with torch.inference_mode():
                return work(item)

        return self._workers.map(measured, items)

    def _score(self, pair: _Pair) -> Score:
        logits = self._logits(pair)
        completion = pair[1]
        targets = torch.tensor(completion, device=logits.device)
        total = sum(
            float(part.float().log_softmax(-1).gather(1, target[:, None]).sum())
            for part, target in zip(logits.split(_POSITIONS), targets.split(_POSITIONS), strict=True)
        )
        return Score(logprob=total, tokens=len(completion))

    def _logits(self, pair: _Pair) -> Tensor:
        """(completion tokens, vocabulary): what the model expected at each token of the completion."""
        prompt, completion = pair
        block = torch.tensor([prompt + completion[:-1]], device=self._model.device)
        logits: Tensor = self._model(input_ids=block, logits_to_keep=len(completion), use_cache=False).logits
        return logits[0]

    def _adapter_off(self) -> contextlib.AbstractContextManager[Any]:
        if self._has_adapter and self._model is not None:
            off: contextlib.AbstractContextManager[Any] = self._model.disable_adapter()
            return off
        return contextlib.nullcontext()


def _divergence(logits: tuple[Tensor, Tensor]) -> float:
    """KL(base || revision) per token, from the logits of the revision and of the base."""
    revised, bare = logits
    total = 0.0
    for ours, its in zip(revised.split(_POSITIONS), bare.split(_POSITIONS), strict=True):
        base, revision = its.float().log_softmax(-1), ours.float().log_softmax(-1)
        total += float((base.exp() * (base - revision)).sum())
    return max(0.0, total) / max(1, len(revised))  # rounding may leave it a hair below
