"""The capability suite, or a few items of each of its parts where the whole takes too long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import capabilities

from learning.asking import spread
from persona.engine.protocol import Engine, Prompt, Sampling, Scorer
from persona.report import Rate
from store.records import Message


def measured(engine: Engine, scorer: Scorer, items: int | None) -> dict[str, Rate]:
    """By part. `items` of each, None for all."""
    if items is None:
        whole = capabilities.measure(engine, scorer)
        return {part: Rate(passed=each.right, asked=each.asked) for part, each in whole.items()}
    parts: dict[str, list[dict[str, Any]]] = {}
    for item in capabilities.items():
        parts.setdefault(item["part"], []).append(item)
    found: dict[str, Rate] = {}
    for part, suite in parts.items():
        few = spread(suite, items)
        right = capabilities.grammar(few, scorer) if part == "grammar" else _graded(engine, few)
        found[part] = Rate(passed=sum(right), asked=len(right))
    return found


def _graded(engine: Engine, items: list[dict[str, Any]]) -> list[bool]:
    done = engine.complete([_prompt(item) for item in items], Sampling(max_tokens=capabilities.MAX_TOKENS))
    return [
        capabilities.grade(item, answer.message.content) for item, answer in zip(items, done, strict=True)
    ]


def _prompt(item: Mapping[str, Any]) -> Prompt:
    return Prompt(messages=(Message(role="user", content=item["prompt"]),))
