"""Answers with llama.cpp on the CPU, one request at a time or several together.

On a CPU the last bits of a number depend on how many tokens are computed together, and a near tie then falls
the other way. One at a time, a prompt is always computed in the same portions, so that a greedy answer is the
same whatever came before and whoever else is waiting: this is what the gate judges with. Several together is
what a daemon serves with: faster for all of them, and what a slot has of an earlier prompt is used again.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.errors import NotPublishable
from adapters.gguf import check_adapter
from persona.base import Base
from persona.engine.length import Length
from persona.engine.llama_server import CHUNK, LlamaServer
from persona.engine.protocol import PENALISED, Completion, Delta, FinishReason, Prompt, Sampling
from persona.engine.streaming import Answering, OnText, streamed, whole
from persona.engine.tool_grammar import tool_grammar
from persona.engine.turns import Turns, Withdrawn
from persona.engine.wording import PROBE, Wording, check_sampling
from persona.errors import BadInput, Damaged, EngineClosed, EngineError


class LlamaCppEngine:
    """An Engine. `adapter` is an adapter.gguf or None; `context` is in tokens, at most the base's.

    With `parallel` above 1 so many requests are computed together, and share the context as `length.py` says.
    """

    def __init__(
        self,
        base: Base,
        adapter: Path | None,
        revision: str,
        *,
        threads: int | None = None,
        context: int | None = None,
        parallel: int = 1,
    ) -> None:
        if base.gguf is None:
            raise BadInput(f"base {base.name} has no GGUF file: serve it with the transformers engine")
        if adapter is not None:
            try:
                check_adapter(adapter)  # llama.cpp has loaded cut-off adapters as zeros
            except (NotPublishable, OSError) as error:
                raise Damaged(adapter, str(error), "build the revision again") from None
        context = base.served_context(context)
        self._revision = revision
        self._has_adapter = adapter is not None
        self._wording = Wording(base, context)
        self._ends = tuple(dict.fromkeys((base.eos, *base.stops)))
        self._server = LlamaServer(base.gguf, adapter, context=context, threads=threads, slots=parallel)
        self._turns = Turns(parallel, room=context)
        self._together = parallel
        self._repeatable = parallel == 1
        self._closed = threading.Event()
        self._kept: list[int] = []  # the prompt whose computed portions are in the slot

    @property
    def revision(self) -> str:
        return self._revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        self._check_open()
        check_sampling(sampling)
        answering = [self._answering(prompt, sampling) for prompt in prompts]
        if self._repeatable or len(answering) < 2:
            return [whole(each, self._turns.stir) for each in answering]
        with ThreadPoolExecutor(self._together) as threads:
            return list(threads.map(lambda each: whole(each, self._turns.stir), answering))

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        self._check_open()
        check_sampling(sampling)
        return streamed(self._answering(prompt, sampling), self._turns.stir)

    def count(self, prompt: Prompt) -> int:
        self._check_open()
        return self._wording.count(prompt)

    def adapter_effect(self) -> float:
        """How far the adapter moves the likeliest next tokens of a short text, in nats; 0 without adapter.

        Both in one slot: what it holds is thrown away when the scale changes, and only then.
        """
        if not self._has_adapter:
            return 0.0
        with self._turns.alone():
            self._check_open()
            self._kept = []
            off, on = (self._likeliest(scale) for scale in (0.0, 1.0))
        return max((abs(on[token] - off[token]) for token in on.keys() & off.keys()), default=math.inf)

    def close(self) -> None:
        self._closed.set()  # ends the request that runs, at its next token,
        self._turns.stir()  # and those that wait
        with self._turns.alone():
            self._server.close()

    def _answering(self, prompt: Prompt, sampling: Sampling) -> Answering:
        tokens = self._wording.prompt(prompt)
        grammar = tool_grammar(prompt.tools, self._ends) if sampling.json_schema is None else {}
        # Never in the caller's thread: llama.cpp's binding swallows an interrupt at the wrong moment.
        return lambda on_text, cancel: self._answer(tokens, grammar, sampling, on_text, cancel)

    def _answer(
        self,
        tokens: list[int],
        grammar: Mapping[str, Any],
        sampling: Sampling,
        on_text: OnText,
        cancel: threading.Event,
    ) -> Completion:
        length = Length(
            prompt=len(tokens),
            wanted=sampling.max_tokens,
            context=self._wording.context,
            together=self._together,
        )

        def unwanted() -> bool:
            return cancel.is_set() or self._closed.is_set()

        began, answer = time.monotonic(), _Answer(on_text, unwanted)
        # What is under way together has to fit: llama.cpp breaks off all answers when the context is full.
        with suppress(Withdrawn), self._turns.using(length.room, unless=unwanted) as turn:
            began = time.monotonic()
            if not unwanted():
                request = self._request(tokens, replace(sampling, max_tokens=length.most))
                answer.run(
                    self._server, {**request, **grammar}, lambda so_far: length.ends(so_far, turn.grow)
                )
            if self._repeatable and answer.finish != "cancelled":
                self._kept = tokens
        self._check_open()
        if sampling.json_schema is not None:
            _check_json(answer)
        return self._wording.completion(
            answer.text,
            answer.finish,
            prompt_tokens=len(tokens),
            completion_tokens=answer.tokens,
            seconds=time.monotonic() - began,
        )

    def _keep_portions(self, tokens: list[int]) -> bool:
        """Leave in the slot the whole portions that this prompt shares with the last one; whether any are."""
        shared = _whole_portions(self._kept, tokens)
        self._kept = []
        if shared:
            self._forget_after(tokens, shared)
        return shared > 0

    def _request(self, tokens: list[int], sampling: Sampling) -> dict[str, Any]:
        request: dict[str, Any] = {
            "prompt": tokens,
            "n_predict": sampling.max_tokens,
            "cache_prompt": not self._repeatable or self._keep_portions(tokens),
            "samplers": _samplers(sampling),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k if sampling.temperature else 1,
            "stop": list(sampling.stop),
            "timings_per_token": True,  # how a cancelled answer knows its number of tokens
        }
        if sampling.min_p:
            request["min_p"] = sampling.min_p
        if sampling.penalises:
            request |= {
                "repeat_last_n": PENALISED,
                "repeat_penalty": sampling.repeat_penalty,
                "frequency_penalty": sampling.frequency_penalty,
                "presence_penalty": sampling.presence_penalty,
            }
        if sampling.seed is not None:
            request["seed"] = sampling.seed
        if sampling.json_schema is not None:
            request["json_schema"] = dict(sampling.json_schema)
        return request

    def _forget_after(self, tokens: list[int], shared: int) -> None:
        """Leave exactly `shared` tokens in the slot that the coming prompt can use.

        Behind them the slot holds what was computed in other portions, such as an answer token by token.
        llama.cpp keeps what it can; a prompt that goes on differently makes it drop the rest.
        """
        other = 0 if tokens[shared] != 0 else 1
        self._server.ask({"prompt": [*tokens[:shared], other], "n_predict": 0, "cache_prompt": True})

    def _likeliest(self, scale: float) -> dict[int, float]:
        answer = self._server.ask(
            {
                "prompt": self._wording.encode(PROBE),
                "n_predict": 1,
                "n_probs": 8,
                "temperature": 0.0,
                "cache_prompt": False,
                "id_slot": 0,
                "lora": [{"id": 0, "scale": scale}],
            }
        )
        first = answer["choices"][0]["logprobs"]["content"][0]
        return {entry["id"]: entry["logprob"] for entry in first["top_logprobs"]}

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise EngineClosed(self._revision)


class _Answer:
    """One answer, as llama.cpp hands it over piece by piece."""

    def __init__(self, on_text: OnText, stopped: Callable[[], bool]) -> None:
        self.text = ""
        self.finish: FinishReason = "cancelled"
        self.tokens = 0
        self._on_text = on_text
        self._stopped = stopped

    def run(self, server: LlamaServer, request: Mapping[str, Any], at_its_end: Callable[[int], bool]) -> None:
        """`at_its_end` says of a number of tokens whether there is no room for more."""
        server.generate(request, lambda chunk: self._take(chunk, at_its_end))

    def _take(self, chunk: Mapping[str, Any], at_its_end: Callable[[int], bool]) -> bool:
        """Whether to stop."""
        if "error" in chunk:
            raise EngineError(
                f"llama.cpp refused the request: {chunk['error'].get('message', chunk['error'])}"
            )
        choice = chunk["choices"][0]
        if choice["text"]:
            self.text += choice["text"]
            self._on_text(choice["text"])
        if "timings" in chunk:
            self.tokens = chunk["timings"]["predicted_n"]
        if choice["finish_reason"] is not None:
            self.finish = choice["finish_reason"]
        elif at_its_end(self.tokens):
            self.finish = "length"
            return True
        return self._stopped()


def _samplers(sampling: Sampling) -> list[str]:
    """In their order. Each goes through all that the one before it left, the first one through the whole
    vocabulary, so only those that are asked for are there.
    """
    samplers = ["top_k", "temperature", "top_p"]
    if sampling.penalises:
        samplers.insert(0, "penalties")
    if sampling.min_p:
        samplers.append("min_p")
    return samplers


def _whole_portions(kept: Sequence[int], tokens: Sequence[int]) -> int:
    """How many tokens of `tokens` are in the slot as a cold start would compute them: whole portions, and
    never the last token, whose outcome is the answer's beginning.
    """
    same = 0
    for old, new in zip(kept, tokens, strict=False):
        if old != new:
            break
        same += 1
    return min(same, len(tokens) - 1) // CHUNK * CHUNK


def _check_json(answer: _Answer) -> None:
    """llama.cpp drops a schema that it does not understand, and answers freely."""
    if answer.finish != "stop":
        return
    try:
        json.loads(answer.text)
    except ValueError:
        raise EngineError("json_schema: llama.cpp cannot enforce this schema; simplify it") from None
