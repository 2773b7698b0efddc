"""The base's own greedy answers to a list of prompts, computed once and kept beside the base.

They depend on the base, the prompts and the number of tokens alone, and on no person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from adapters.digest import tagged_digest
from adapters.durable import write_file
from persona.base import Base
from persona.engine.protocol import Engine, Prompt, Sampling
from store.records import Message

OWN_ANSWERS_AT_ONCE = 4  # they are made once, so that a batch may change their last bits
_PORTION = 8  # prompts between two reports of progress


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnAnswer:
    """`whole` is False where the answer was cut at the limit of tokens."""

    prompt: Prompt
    text: str
    whole: bool


def shipped_prompts(package: str, file: str) -> list[str]:
    """The prompts of a shipped list, one per line (``\\n`` stands for a line break)."""
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    return [line.replace("\\n", "\n") for line in text.splitlines() if line.strip()]


def own_answers(
    base: Base,
    prompts: Sequence[str],
    *,
    tokens: int,
    open_engine: Callable[[], Engine],
    on_progress: Callable[[int, int], None],
) -> list[OwnAnswer]:
    """One answer of at most `tokens` tokens per prompt; the engine is opened only if they are not known."""
    if (known := known_answers(base, prompts, tokens=tokens)) is not None:
        return known
    engine = open_engine()
    try:
        answered = list(_answered(engine, _asked(prompts), tokens, on_progress))
    finally:
        engine.close()
    path = _path(base, prompts, tokens)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_file(path, json.dumps(answered).encode())
    return _of(prompts, answered)


def known_answers(base: Base, prompts: Sequence[str], *, tokens: int) -> list[OwnAnswer] | None:
    """Those that were computed before; None if they were not."""
    path = _path(base, prompts, tokens)
    return _of(prompts, json.loads(path.read_bytes())) if path.exists() else None


def _path(base: Base, prompts: Sequence[str], tokens: int) -> Path:
    key = tagged_digest("own-1", {"base": base.fingerprint, "prompts": list(prompts), "tokens": tokens})
    return base.path / "own" / f"{key.rpartition(':')[2][:32]}.json"


def _asked(prompts: Sequence[str]) -> list[Prompt]:
    return [Prompt(messages=(Message(role="user", content=text),)) for text in prompts]


def _of(prompts: Sequence[str], answered: Sequence[tuple[str, bool]]) -> list[OwnAnswer]:
    return [
        OwnAnswer(prompt=prompt, text=text, whole=whole)
        for prompt, (text, whole) in zip(_asked(prompts), answered, strict=True)
    ]


def _answered(
    engine: Engine, asked: Sequence[Prompt], tokens: int, on_progress: Callable[[int, int], None]
) -> Iterator[tuple[str, bool]]:
    for start in range(0, len(asked), _PORTION):
        for done in engine.complete(asked[start : start + _PORTION], Sampling(max_tokens=tokens)):
            yield done.text, done.finish_reason == "stop"
        on_progress(min(start + _PORTION, len(asked)), len(asked))
