"""Engines side by side answer as one, and every prompt is told what the bridge says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from learning.several import Several

from persona.engine.protocol import Prompt, Sampling
from store.records import Message


class _Echo:
    """Answers with the prompt's own text."""

    revision = "r0"

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False

    def complete(self, prompts: Any, _sampling: Sampling) -> list[Any]:
        self.asked += len(prompts)
        return [SimpleNamespace(text=prompt.messages[0].content) for prompt in prompts]

    def close(self) -> None:
        self.closed = True


def _prompt(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),))


@pytest.mark.parametrize("engines", [1, 2, 3])
@pytest.mark.parametrize("prompts", [0, 1, 2, 7])
def test_answers_come_in_the_order_of_their_prompts(engines: int, prompts: int) -> None:
    """Whoever gave them; each engine has its share and is closed with the others."""
    parts = [_Echo() for _ in range(engines)]
    several = Several(cast(Any, parts))
    asked = [str(n) for n in range(prompts)]
    assert asked == [each.text for each in several.complete([_prompt(text) for text in asked], Sampling())]
    assert max(each.asked for each in parts) - min(each.asked for each in parts) <= 1
    several.close()
    assert all(each.closed for each in parts)
