"""Everything that a build needs before its first step, computed once where it never changes.

The base's answers come first, while its weights are in memory once and not twice: an engine gives them, and
is closed before the trainer's own model is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from adapters.digest import tagged_digest
from adapters.durable import write_file
from persona.base import Base
from persona.child import Report
from persona.engine.opener import open_base_engine
from persona.engine.own_answers import OWN_ANSWERS_AT_ONCE, OwnAnswer, own_answers
from persona.engine.protocol import Engine
from persona.engine.torch_model import LoadedModel
from persona.train.job import TrainingJob
from persona.train.model import Passes, sequence_logprobs, top_logprobs
from persona.train.practice import practice_prompts, practise
from persona.train.recipe import Recipe
from persona.train.replay import (
    ReplayRow,
    ReplaySet,
    Sampled,
    Unscored,
    keep_replay,
    keep_rows,
    load_replay,
    load_rows,
    replay_key,
    sample_replay,
)
from persona.train.rows import Encoder, Likeliest, Row, row_of
from store.records import Message


def encoder(base: Base) -> Encoder:
    """The base's own tokenizer, adding nothing."""
    tokenizer = Tokenizer.from_file(str(base.tokenizer))
    return lambda text: tuple(tokenizer.encode(text, add_special_tokens=False).ids)


def practice_answers(job: TrainingJob, base: Base, report: Report) -> list[OwnAnswer]:
    """The base's answers to the prompts of practice; none when no preference of the job can be checked."""
    recipe = job.recipe
    if not recipe.schedule.practice_batch or not any(each.checker for each in job.preferences):
        return []
    return own_answers(
        base,
        practice_prompts()[: recipe.practice_prompts],
        tokens=recipe.practice_tokens,
        open_engine=_several_at_once(base),
        on_progress=lambda done, total: report("practice", done, total),
    )


def practice_rows(
    answers: Sequence[OwnAnswer],
    job: TrainingJob,
    base: Base,
    encode: Encoder,
    loaded: LoadedModel,
    passes: Passes,
) -> tuple[Row, ...]:
    """What can be practised of the preferences of a job."""
    if not answers:
        return ()
    rows = _own_rows(answers, job.recipe, base, encode, loaded, passes)
    found: list[Row] = []
    for row, answer, done in zip(rows, answers, practise(answers, job.preferences), strict=True):
        if done is not None:
            wanted = Message(role="assistant", content=done.text)
            reworked = row_of(answer.prompt.messages, wanted, base.template, encode).chosen
            found.append(practice_row(row, reworked, whole=done.whole))
    return tuple(row for row in found if row.chosen)  # half of a style that was there already says nothing


def practice_row(answer: ReplayRow, reworked: Sequence[int], *, whole: bool = True) -> Row:
    """The row of a reworked answer: what is still the base's own keeps the base's distribution.

    Learning the own tokens too would be harmless for them and not for what stands beside them: the first
    token of a closing became likely wherever a sentence begins. In an answer that is not whole they are
    neither learnt nor kept, since a preference that it breaks may want others.
    """
    same = 0
    for own, new in zip(answer.completion, reworked, strict=False):
        if own != new:
            break
        same += 1
    if not whole:
        begun, rest = tuple(reworked[:same]), tuple(reworked[same:])
        return Row(prompt=(*answer.prompt, *begun), chosen=rest, practised=True, whole=False)
    likeliest = answer.likeliest
    own_part = Likeliest(kept=likeliest.kept[:same], logprobs=likeliest.logprobs[:same]) if same else None
    return Row(prompt=answer.prompt, chosen=tuple(reworked), practised=True, own=own_part)


def _own_rows(
    answers: Sequence[OwnAnswer],
    recipe: Recipe,
    base: Base,
    encode: Encoder,
    loaded: LoadedModel,
    passes: Passes,
) -> tuple[ReplayRow, ...]:
    """The answers with the base's likeliest tokens at each of their positions, kept beside the base."""
    sampled: Sampled = []
    for answer in answers:
        said = Message(role="assistant", content=answer.text)
        row = row_of(answer.prompt.messages, said, base.template, encode)
        sampled.append((row.prompt, row.chosen if answer.whole or not answer.text else row.chosen[:-1]))
    k = recipe.losses.replay_top_k
    key = tagged_digest("practice-1", {"base": base.fingerprint, "sampled": sampled, "top_k": k})
    path = base.path / "practice" / f"{key.rpartition(':')[2][:32]}.safetensors"
    return load_rows(path) or keep_rows(path, sampled, top_logprobs(loaded.model, sampled, k, passes))


def replay_answers(
    base: Base, recipe: Recipe, asked: Sequence[str], encode: Encoder, report: Report
) -> ReplaySet | Unscored:
    """The kept set of replay for these prompts, or answers that are still to be scored by the base."""
    if not asked:
        return ReplaySet(digest="none", rows=())
    key = replay_key(base, recipe, asked)
    kept = load_replay(base, key)
    if kept is not None:
        return kept
    engine = _several_at_once(base)()
    try:
        answers = sample_replay(
            recipe,
            asked,
            engine=engine,
            template=base.template,
            encode=encode,
            on_progress=lambda done, total: report("replay", done, total),
        )
    finally:
        engine.close()
    return Unscored(key=key, answers=answers)


def scored_replay(
    found: ReplaySet | Unscored, base: Base, recipe: Recipe, loaded: LoadedModel, passes: Passes
) -> ReplaySet:
    """The set with the base's likeliest tokens, kept beside the base from now on."""
    if isinstance(found, ReplaySet):
        return found
    likeliest = top_logprobs(loaded.model, found.answers, recipe.losses.replay_top_k, passes)
    return keep_replay(base, found, likeliest)


def reference_logprobs(
    cache: Path, base: Base, rows: tuple[Row, ...], loaded: LoadedModel, passes: Passes, report: Report
) -> list[tuple[float, float] | None]:
    """log p under the bare base of both sides of each pair, from the cache where it is known.

    With a build from the base these never change, so each pair is scored once in its life, by its tokens:
    what else is known of an example may change. The cache is keyed by base and quantisation too: a 4-bit base
    gives other numbers.
    """
    key = f"{base.fingerprint}/{loaded.quantisation}/tokens"
    known: dict[str, list[float]] = {}
    if cache.exists():
        known = json.loads(cache.read_bytes()).get(key, {})
    names = [_name(row) for row in rows]
    missing = {name: row for name, row in zip(names, rows, strict=True) if row.rejected and name not in known}
    report("reference", 0, len(missing))
    if missing:
        sides = [(row.prompt, side) for row in missing.values() for side in (row.chosen, row.rejected)]
        scores = sequence_logprobs(loaded.model, sides, passes)
        for n, name in enumerate(missing):
            known[name] = scores[2 * n : 2 * n + 2]
        write_file(cache, json.dumps({key: known}).encode())
    report("reference", len(missing), len(missing))
    return [
        (known[name][0], known[name][1]) if row.rejected else None
        for name, row in zip(names, rows, strict=True)
    ]


def _name(row: Row) -> str:
    return tagged_digest("pair-1", [row.prompt, row.chosen, row.rejected]).rpartition(":")[2][:32]


def _several_at_once(base: Base) -> Callable[[], Engine]:
    return lambda: open_base_engine(base, parallel=OWN_ANSWERS_AT_ONCE)
