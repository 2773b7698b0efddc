"""An engine that is told what the user prefers with every prompt, until its weights carry it.

What is stored stays the prompt as the client sent it: the bridge is between the lease and the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from persona.bridge import bridged
from persona.engine.protocol import Completion, Delta, Engine, Prompt, Sampling
from store.records import Preference


class BridgedEngine:
    """An Engine in front of another one, for as long as one lease; closing is left to whoever opened it."""

    def __init__(self, engine: Engine, preferences: Sequence[Preference]) -> None:
        self._engine = engine
        self._preferences = tuple(preferences)

    @property
    def revision(self) -> str:
        return self._engine.revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        return self._engine.complete([self._told(prompt) for prompt in prompts], sampling)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        return self._engine.stream(self._told(prompt), sampling)

    def count(self, prompt: Prompt) -> int:
        return self._engine.count(self._told(prompt))

    def close(self) -> None:
        return

    def _told(self, prompt: Prompt) -> Prompt:
        return bridged(prompt, self._preferences)
