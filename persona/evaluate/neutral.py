"""Neutral prompts and the base's answers to them: what drift is measured on.

They are disjoint from the prompts that replay trains on, so a low drift here was not trained for, and like
those they ask for capabilities: in the answer to an open question a change of style is adoption, not drift.
"""

from __future__ import annotations

from collections.abc import Callable

from persona.base import Base
from persona.engine.own_answers import own_answers, shipped_prompts
from persona.engine.protocol import Engine, Prompt
from store.records import Message

ANSWER_TOKENS = 64


def neutral_prompts(count: int) -> list[str]:
    """The first `count` of them."""
    return shipped_prompts("persona.evaluate", "neutral_prompts.txt")[:count]


def small_talk() -> list[str]:
    """What people say that wants no tool, whatever is on offer."""
    return shipped_prompts("persona.evaluate", "small_talk.txt")


def neutral_answers(
    base: Base, count: int, open_engine: Callable[[], Engine], on_progress: Callable[[int, int], None]
) -> list[tuple[Prompt, Message]]:
    """The first `count` neutral prompts with the base's greedy answers; opens the engine only if needed."""
    asked = neutral_prompts(count)
    answers = own_answers(base, asked, tokens=ANSWER_TOKENS, open_engine=open_engine, on_progress=on_progress)
    return [
        (answer.prompt, Message(role="assistant", content=answer.text))
        for answer in answers
        if answer.text.strip()
    ]
