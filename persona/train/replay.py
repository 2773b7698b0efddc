"""Self-distillation replay: the base's own answers to neutral prompts, computed once and kept.

The prompts exercise capabilities (code, arithmetic, translation, plain text), never the user's style, so the
divergence on them holds the adapter to what the base could do. Open questions about the world are not among
them: how those are answered in prose is just what a person teaches. The set depends on the base, the prompt
list and three numbers of the recipe, and on no person: it is kept beside the base, for every identity.
After ARR (arXiv 2512.22337) and on-policy replay (arXiv 2605.29495).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from adapters.digest import tagged_digest
from adapters.durable import write_file
from persona.base import Base
from persona.engine.own_answers import shipped_prompts
from persona.engine.protocol import Engine, Prompt, Sampling
from persona.template import Template
from persona.train.recipe import Recipe
from persona.train.rows import Encoder, Likeliest, row_of
from store.records import Message

TEMPERATURE = 0.7
MIN_ANSWER_TOKENS = 4

Sampled = list[tuple[tuple[int, ...], tuple[int, ...]]]  # (prompt, completion) ids


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayRow:
    """One answer of the base: ids, and its likeliest tokens at each position of the completion."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    likeliest: Likeliest

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.completion)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaySet:
    digest: str
    rows: tuple[ReplayRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unscored:
    """Answers of a set that is not kept yet: it will be `key`'s."""

    key: str
    answers: Sampled


def prompts() -> list[str]:
    """The shipped list of capability prompts."""
    return shipped_prompts("persona.train", "replay_prompts.txt")


def talk_prompts() -> list[str]:
    """The shipped list of small talk, for which hardly any tool is: see persona.train.offered."""
    return shipped_prompts("persona.train", "talk_prompts.txt")


def replay_key(base: Base, recipe: Recipe, asked: Sequence[str]) -> str:
    """Names the set of answers to these prompts: equal keys mean equal sets on one machine."""
    return tagged_digest(
        "replay-1",
        {
            "base": base.fingerprint,
            "prompts": list(asked),
            "tokens": recipe.replay_tokens,
            "top_k": recipe.losses.replay_top_k,
            "temperature": TEMPERATURE,
        },
    )


def replay_path(base: Base, key: str) -> Path:
    return base.path / "replay" / f"{key.rpartition(':')[2][:32]}.safetensors"


def load_replay(base: Base, key: str) -> ReplaySet | None:
    """The kept set, or None when it was not made yet or its file does not read (it is made again then)."""
    rows = load_rows(replay_path(base, key))
    return None if rows is None else ReplaySet(digest=key, rows=rows)


def sample_replay(
    recipe: Recipe,
    asked: Sequence[str],
    *,
    engine: Engine,
    template: Template,
    encode: Encoder,
    on_progress: Callable[[int, int], None],
) -> Sampled:
    """The base's answers to these prompts.

    A cut answer is kept without an end token, which the base did not write there; nearly empty ones are left
    out.
    """
    wanted = [Prompt(messages=(Message(role="user", content=text),)) for text in asked]
    sampling = Sampling(
        max_tokens=recipe.replay_tokens, temperature=TEMPERATURE, top_p=0.95, seed=recipe.seed
    )
    pairs: Sampled = []
    portion = 16
    for start in range(0, len(wanted), portion):
        part = wanted[start : start + portion]
        for prompt, completion in zip(part, engine.complete(part, sampling), strict=True):
            row = row_of(
                prompt.messages, Message(role="assistant", content=completion.text), template, encode
            )
            ids = row.chosen if completion.finish_reason == "stop" else row.chosen[:-1]
            if len(ids) >= MIN_ANSWER_TOKENS:
                pairs.append((row.prompt, ids))
        on_progress(min(start + portion, len(wanted)), len(wanted))
    return pairs


def keep_replay(base: Base, unscored: Unscored, tops: Sequence[tuple[Tensor, Tensor]]) -> ReplaySet:
    """Writes the set: `tops` are the base's likeliest tokens for each position of each answer."""
    rows = keep_rows(replay_path(base, unscored.key), unscored.answers, tops)
    return ReplaySet(digest=unscored.key, rows=rows)


def load_rows(path: Path) -> tuple[ReplayRow, ...] | None:
    """The rows that `keep_rows` wrote; None when there is no such file or it does not read."""
    if not path.exists():
        return None
    try:
        return _unflatten(load_file(path))
    except (SafetensorError, OSError):
        return None


def keep_rows(path: Path, sampled: Sampled, tops: Sequence[tuple[Tensor, Tensor]]) -> tuple[ReplayRow, ...]:
    """The rows of these answers, written to `path`."""
    rows = tuple(
        ReplayRow(
            prompt=prompt,
            completion=completion,
            likeliest=Likeliest(kept=kept.to(torch.int32), logprobs=logprobs.to(torch.float16)),
        )
        for (prompt, completion), (kept, logprobs) in zip(sampled, tops, strict=True)
    )
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_file(path, save(_flatten(rows)))
    return rows


def _flatten(rows: Sequence[ReplayRow]) -> dict[str, Tensor]:
    return {
        "lengths": torch.tensor([[len(r.prompt), len(r.completion)] for r in rows], dtype=torch.int32),
        "tokens": torch.tensor([t for r in rows for t in (*r.prompt, *r.completion)], dtype=torch.int32),
        "kept": torch.cat([r.likeliest.kept for r in rows]),
        "logprobs": torch.cat([r.likeliest.logprobs for r in rows]),
    }


def _unflatten(flat: dict[str, Tensor]) -> tuple[ReplayRow, ...]:
    tokens: list[int] = flat["tokens"].tolist()
    rows: list[ReplayRow] = []
    at = position = 0
    for prompt_length, completion_length in flat["lengths"].tolist():
        middle, end = at + prompt_length, at + prompt_length + completion_length
        rows.append(
            ReplayRow(
                prompt=tuple(tokens[at:middle]),
                completion=tuple(tokens[middle:end]),
                likeliest=Likeliest(
                    kept=flat["kept"][position : position + completion_length],
                    logprobs=flat["logprobs"][position : position + completion_length],
                ),
            )
        )
        at, position = end, position + completion_length
    return tuple(rows)
