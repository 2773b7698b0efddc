"""Answers with transformers: any base, any device that torch has.

Prompts are answered one at a time unless a batch is asked for: the last bits of a number depend on how many
rows are computed together, and a greedy answer must not depend on its neighbours.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# It sets what the libraries below read when they are imported.
# isort: off
from persona.engine.torch_model import adapter_effect, attach_adapter, load_model

# isort: on
import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from persona.base import Base
from persona.engine.answer_text import AnswerText
from persona.engine.protocol import PENALISED, Completion, Delta, FinishReason, Prompt, Sampling
from persona.engine.quantisation import Quantisation
from persona.engine.streaming import OnText, streamed
from persona.engine.turns import Turns, Withdrawn
from persona.engine.wording import PROBE, Wording, check_sampling
from persona.errors import EngineClosed, EngineError


class TransformersEngine:
    """An Engine. `adapter` is a PEFT folder or None. `batch` prompts are answered together: faster above 1,
    and then near ties may fall otherwise than they would alone.
    """

    def __init__(
        self,
        base: Base,
        adapter: Path | None,
        revision: str,
        *,
        device: str = "auto",
        quantisation: Quantisation = "none",
        context: int | None = None,
        batch: int = 1,
    ) -> None:
        self._revision = revision
        self._wording = Wording(base, base.served_context(context))
        loaded = load_model(base, device=device, quantisation=quantisation)
        self._device = loaded.device
        self._has_adapter = adapter is not None
        self._model: Any = attach_adapter(loaded, adapter) if adapter else loaded.model
        loaded.model.generation_config = (
            GenerationConfig()
        )  # what a base's file sets would come on top of ours
        self._batch = batch
        self._turns = Turns()
        self._closed = threading.Event()

    @property
    def revision(self) -> str:
        return self._revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        self._check(sampling)
        encoded = [self._wording.prompt(prompt) for prompt in prompts]
        never = threading.Event()
        return [
            answer
            for start in range(0, len(encoded), self._batch)
            for answer in self._answer(encoded[start : start + self._batch], sampling, _nowhere, never)
        ]

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        self._check(sampling)
        tokens = self._wording.prompt(prompt)
        return streamed(
            lambda on_text, cancel: self._answer([tokens], sampling, on_text, cancel)[0], self._turns.stir
        )

    def count(self, prompt: Prompt) -> int:
        self._check_open()
        return self._wording.count(prompt)

    def adapter_effect(self) -> float:
        """How far the adapter moves the likeliest next tokens of a short text, in nats; 0 without adapter."""
        with self._turns:
            self._check_open()
            return adapter_effect(self._model, self._wording.encode(PROBE)) if self._has_adapter else 0.0

    def close(self) -> None:
        self._closed.set()  # ends the answer that runs, at its next token,
        self._turns.stir()  # and those that wait
        with self._turns:
            self._model = None
        gc.collect()
        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _answer(
        self, prompts: Sequence[list[int]], sampling: Sampling, on_text: OnText, cancel: threading.Event
    ) -> list[Completion]:
        def unwanted() -> bool:
            return cancel.is_set() or self._closed.is_set()

        began = time.monotonic()
        texts = [AnswerText(self._wording, sampling.stop, on_text) for _ in prompts]
        with suppress(Withdrawn), self._turns.using(0, unless=unwanted):
            began = time.monotonic()
            if not unwanted():
                self._generate(prompts, sampling, texts, unwanted)
        self._check_open()
        seconds = time.monotonic() - began
        last: FinishReason = "cancelled" if cancel.is_set() else "length"
        return [
            self._wording.completion(
                text.finish(),
                "stop" if text.stopped else last,
                prompt_tokens=len(prompt),
                completion_tokens=text.tokens,
                seconds=seconds,
            )
            for prompt, text in zip(prompts, texts, strict=True)
        ]

    def _generate(
        self,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        texts: Sequence[AnswerText],
        stopped: Callable[[], bool],
    ) -> None:
        longest = max(map(len, prompts))
        pad = min(self._wording.stops)
        block = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts], device=self._device)
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=self._device)
        config = GenerationConfig(
            max_new_tokens=min(sampling.max_tokens, self._wording.context - longest),
            eos_token_id=sorted(self._wording.stops),
            pad_token_id=pad,
            **_sampled(sampling),
        )
        watch = _Watch(texts, longest, stopped)
        penalties = [_Penalties(sampling, mask)] if sampling.penalises else []
        with torch.random.fork_rng(enabled=sampling.seed is not None):
            if sampling.seed is not None:
                torch.manual_seed(sampling.seed)
            self._model.generate(
                input_ids=block,
                attention_mask=mask,
                generation_config=config,
                logits_processor=LogitsProcessorList(penalties),
                stopping_criteria=StoppingCriteriaList([watch]),
            )

    def _check(self, sampling: Sampling) -> None:
        self._check_open()
        check_sampling(sampling)
        if sampling.json_schema is not None:
            raise EngineError("json_schema: only the llama.cpp engine can keep an answer to a schema")

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise EngineClosed(self._revision)


class _Watch(StoppingCriteria):
    """Called after each token: hands it on, and says which answers are at their end."""

    def __init__(self, texts: Sequence[AnswerText], start: int, stopped: Callable[[], bool]) -> None:
        self._texts = texts
        self._seen = start
        self._stopped = stopped

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:  # noqa: ARG002  # its signature
        for text, row in zip(self._texts, input_ids[:, self._seen :].tolist(), strict=True):
            for token in row:
                text.take(token)
        self._seen = input_ids.shape[1]
        ended = [text.stopped or self._stopped() for text in self._texts]
        return torch.tensor(ended, device=input_ids.device)


class _Penalties(LogitsProcessor):
    """What llama.cpp does by this name, before everything else. `mask` says where the prompts are padded."""

    def __init__(self, sampling: Sampling, mask: Any) -> None:
        self._sampling = sampling
        self._mask = mask

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        penalties, written = self._sampling, input_ids.shape[1] - self._mask.shape[1]
        real = torch.nn.functional.pad(self._mask, (0, written), value=1)[:, -PENALISED:].to(scores.dtype)
        often = torch.zeros_like(scores).scatter_add_(1, input_ids[:, -PENALISED:], real)
        by = penalties.repeat_penalty
        repeated = torch.where(scores > 0, scores / by, scores * by)
        scores = torch.where(often > 0, repeated, scores)
        return scores - penalties.frequency_penalty * often - penalties.presence_penalty * (often > 0)


def _sampled(sampling: Sampling) -> dict[str, Any]:
    if sampling.temperature == 0:
        return {"do_sample": False}
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        **({"min_p": sampling.min_p} if sampling.min_p else {}),
    }


def _nowhere(text: str) -> None:
    """Where the pieces of an answer go that is wanted whole."""
