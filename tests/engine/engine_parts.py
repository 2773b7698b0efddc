"""What the tests of several engines share."""

from __future__ import annotations

from typing import Any

from contracts.engine_contract import ask

from persona.engine.llama_cpp import LlamaCppEngine
from persona.engine.protocol import Prompt, Sampling
from store.records import Message

LONG = "Here is a list, keep it in mind: " + ", ".join(f"{n} apples and {n} pears" for n in range(18)) + ". "
COLOURS = [ask(LONG + f"What is the colour of {thing}?") for thing in ("grass", "the sea", "snow")]


def next_turn(prompt: Prompt, answer: str) -> Prompt:
    return ask("Say that in other words.", *prompt.messages, Message(role="assistant", content=answer))


class Recorder:
    """Puts itself between an engine and its llama.cpp: asks for log-probabilities and keeps what came."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        self.engine = engine
        self.reused = 0
        self._numbers: list[tuple[int, float]] = []
        self._generate = engine._server.generate
        engine._server.generate = self._record  # type: ignore[method-assign]

    def bits(self, prompt: Prompt, tokens: int) -> list[tuple[int, float]]:
        """The tokens of the greedy answer with their log-probabilities, to the last bit."""
        self._numbers = []
        self.engine.complete([prompt], Sampling(max_tokens=tokens))
        return self._numbers

    def _record(self, request: Any, on_chunk: Any) -> None:
        def look(chunk: Any) -> bool:
            self.reused = chunk.get("timings", {}).get("cache_n", self.reused)
            told = (chunk["choices"][0].get("logprobs") or {}) if chunk.get("choices") else {}
            self._numbers += [(entry["id"], entry["logprob"]) for entry in told.get("content", [])]
            return bool(on_chunk(chunk))

        self._generate({**request, "n_probs": 1}, look)


def likeliest(
    engine: LlamaCppEngine, tokens: list[int], count: int, *, known: bool = False
) -> dict[int, float]:
    """Log-probabilities of the `count` likeliest next tokens; what is `known` of the prompt may be used."""
    answer = engine._server.ask(
        {"prompt": tokens, "n_predict": 1, "n_probs": count, "temperature": 0.0, "cache_prompt": known}
    )
    return {
        entry["id"]: entry["logprob"]
        for entry in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    }
