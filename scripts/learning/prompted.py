"""An engine and a scorer that are told the user's preferences in every prompt, as the bridge does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from persona.bridge import bridged
from persona.engine.protocol import Completion, Delta, Engine, Prompt, Sampling, Score, Scorer
from store.records import Message, Preference


@dataclass(frozen=True, kw_only=True)
class PromptedEngine:
    """An Engine."""

    engine: Engine
    said: tuple[Preference, ...]

    @property
    def revision(self) -> str:
        return self.engine.revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        return self.engine.complete([bridged(prompt, self.said) for prompt in prompts], sampling)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        return self.engine.stream(bridged(prompt, self.said), sampling)

    def count(self, prompt: Prompt) -> int:
        return self.engine.count(bridged(prompt, self.said))

    def close(self) -> None:
        self.engine.close()


@dataclass(frozen=True, kw_only=True)
class PromptedScorer:
    """A Scorer; both sides of a divergence are told."""

    scorer: Scorer
    said: tuple[Preference, ...]

    def score(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[Score]:
        return self.scorer.score(self._told(prompts), completions)

    def score_base(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[Score]:
        return self.scorer.score_base(self._told(prompts), completions)

    def divergence(self, prompts: Sequence[Prompt], completions: Sequence[Message]) -> list[float]:
        return self.scorer.divergence(self._told(prompts), completions)

    def close(self) -> None:
        self.scorer.close()

    def _told(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        return [bridged(prompt, self.said) for prompt in prompts]
