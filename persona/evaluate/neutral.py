"""Neutral prompts and the base's answers to them: what drift is measured on.

They are disjoint from the prompts that replay trains on, so a low drift here was not trained for, and like
those they ask for capabilities: in the answer to an open question a change of style is adoption, not drift.
The base's answers depend on the base and the list alone and are kept beside the base.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources

from adapters.digest import tagged_digest
from adapters.durable import write_file
from persona.base import Base
from persona.engine.protocol import Engine, Prompt, Sampling
from store.records import Message

ANSWER_TOKENS = 64


def prompts() -> list[str]:
    """The shipped list, one per line of neutral_prompts.txt (``\\n`` stands for a line break)."""
    text = resources.files("persona.evaluate").joinpath("neutral_prompts.txt").read_text(encoding="utf-8")
    return [line.replace("\\n", "\n") for line in text.splitlines() if line.strip()]


def neutral_answers(
    base: Base, count: int, open_engine: Callable[[], Engine]
) -> list[tuple[Prompt, Message]]:
    """The first `count` neutral prompts with the base's greedy answers; opens the engine only if needed."""
    asked = prompts()[:count]
    key = tagged_digest("neutral-1", {"base": base.fingerprint, "prompts": asked, "tokens": ANSWER_TOKENS})
    path = base.path / "neutral" / f"{key.rpartition(':')[2][:32]}.json"
    as_prompts = [Prompt(messages=(Message(role="user", content=text),)) for text in asked]
    if path.exists():
        answers = json.loads(path.read_bytes())
    else:
        engine = open_engine()
        try:
            done = engine.complete(as_prompts, Sampling(max_tokens=ANSWER_TOKENS))
        finally:
            engine.close()
        answers = [completion.text for completion in done]
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_file(path, json.dumps(answers).encode())
    return [
        (prompt, Message(role="assistant", content=answer))
        for prompt, answer in zip(as_prompts, answers, strict=True)
        if answer.strip()
    ]
