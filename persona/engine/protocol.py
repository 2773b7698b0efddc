"""What persona needs of an engine: the contract that every engine and the fake keep.

An engine is one revision, loaded: a base and one adapter (or none), fixed for its life. A swap is a new
engine and a drained old one, so no answer can mix revisions. tests/contracts/engine_contract.py holds the
suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from store.records import Message

PENALISED = 64  # tokens that penalties look back on: as many as with llama.cpp, which others expect

FinishReason = Literal["stop", "length", "tool_calls", "cancelled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Messages, oldest first, the last one not the assistant's; and the tools on offer."""

    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """temperature 0 is greedy and repeatable; `stop` strings are not part of the answer.

    `json_schema` constrains the whole answer to JSON that fits it. `min_p` leaves out what is less likely
    than that share of the likeliest. Penalties are on what stands among the last 64 tokens, the prompt's
    included: its logits are divided by `repeat_penalty` (multiplied below zero), then less
    `frequency_penalty` for each time and `presence_penalty` once. They hold for a greedy answer too.
    """

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None

    @property
    def penalises(self) -> bool:
        return (self.repeat_penalty, self.frequency_penalty, self.presence_penalty) != (1.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """One answer. `text` is what the model wrote, control tokens removed; `message` is its reading:
    content without tool-call markup, and the calls. `seconds` is wall time, tokens are the engine's own.
    """

    text: str
    message: Message
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """One piece of a streamed answer; the last one carries `completion` and no text.

    One without either says that the answer is still on its way: its reader may use the moment to leave.
    `pieces` is in how many the text was written: a token each, but for characters that took several.
    """

    text: str = ""
    pieces: int = 0
    completion: Completion | None = None


@runtime_checkable
class Engine(Protocol):
    """Generates with one fixed revision.

    Thread-safe: several threads may call `complete` and `stream` at once. A greedy answer depends on the
    prompt and the revision alone, never on earlier or concurrent requests. Every engine renders prompts
    with the base's pinned template. Errors are persona.errors.EngineError and its children.
    """

    @property
    def revision(self) -> str:
        """Content id of the loaded revision, "r0" without an adapter."""
        ...

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        """One completion per prompt, in order; an engine may answer several at once."""
        ...

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        """Deltas as they come. Closing the iterator cancels the generation within a second."""
        ...

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is, rendered; also when that is more than there is room for."""
        ...

    def close(self) -> None:
        """Free everything. Idempotent. Calls after it raise EngineClosed."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Teacher-forced log-probability of one completion: sum over its tokens (EOS included), in nats."""

    logprob: float
    tokens: int

    @property
    def per_token(self) -> float:
        return self.logprob / max(1, self.tokens)


@runtime_checkable
class Scorer(Protocol):
    """Scores given completions under one revision and under its base. Not thread-safe."""

    def score(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[Score]:
        """One score per (prompt, completion), in order, under the revision."""
        ...

    def score_base(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[Score]:
        """The same with the adapter off."""
        ...

    def divergence(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[float]:
        """Mean KL(base || revision) per completion token, in nats, one number per pair."""
        ...

    def close(self) -> None: ...
