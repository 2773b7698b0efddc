"""The candidate of a night: built from the bare base over the whole snapshot, unless it is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters import Bare, Build, Revision, RevisionState, build_key
from adapters.failpoint import reach
from persona.checker import is_tool_scope
from persona.child import Budget
from persona.distill import Distilled
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.engine.own_answers import known_answers
from persona.errors import TooLittleToLearn
from persona.nightly.costs import Costs
from persona.nightly.curve import Curve
from persona.nightly.night import Night, in_tries
from persona.nightly.recovery import clear_run
from persona.nightly.weakening import weakened_before
from persona.paths import make_private
from persona.report import Training
from persona.train import Trained, TrainingJob, TrainingOutcome, train
from persona.train.practice import can_be_practised, practice_prompts
from store.records import Preference

_LEAST_EXAMPLES = 4  # with less, preferences have to be there that can be practised


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """`training` is None when an earlier night built it."""

    revision: Revision
    training: Training | None = None


def find_or_build(night: Night, run: str, distilled: Distilled, costs: Costs) -> tuple[Candidate | None, str]:
    """A revision to judge, built unless the same build awaits judgement already; or why there is none."""
    snapshot = distilled.snapshot
    if len(snapshot.train) < _LEAST_EXAMPLES and not _may_practise(night, snapshot.preferences):
        too_little = TooLittleToLearn(len(snapshot.train), _LEAST_EXAMPLES)
        return None, _and_what_stays(night, distilled, str(too_little))
    known = night.registry.find_build(
        build_key(
            base=night.base.fingerprint,
            snapshot=snapshot.id,
            recipe=night.recipe.to_json(),
            seed=night.recipe.seed,
        )
    )
    if known is None:
        try:
            return _build(night, run, distilled, costs), ""
        except TooLittleToLearn as error:
            return None, _and_what_stays(night, distilled, str(error))
    for awaiting in (known, weakened_before(night, known)):
        if awaiting is not None and night.registry.state(awaiting.id) is RevisionState.CANDIDATE:
            return Candidate(revision=awaiting), ""
    why = f"nothing new since {known.ref}: the same examples, base and recipe built it"
    return None, _and_what_stays(night, distilled, why)


def _may_practise(night: Night, preferences: Sequence[Preference]) -> bool:
    """Whether rules can rework the base's answers, as far as they are known: the trainer makes them."""
    recipe = night.recipe
    practice = recipe.schedule.practice_batch * recipe.practice_prompts
    if practice == 0 or not any(each.checker and not is_tool_scope(each.scope) for each in preferences):
        return False
    prompts = practice_prompts()[: recipe.practice_prompts]
    answers = known_answers(night.base, prompts, tokens=recipe.practice_tokens)
    return answers is None or can_be_practised(answers, preferences)


def _and_what_stays(night: Night, distilled: Distilled, why: str) -> str:
    """The reason; and what the champion was taught and nobody wants now, as nothing is built without it."""
    champion = night.registry.resolve("champion")
    taught = {each.id: each.preferences for each in night.store.snapshots.all()}
    wanted = {entry.id for entry in distilled.snapshot.preferences}

    def gone(revision: Revision | Bare) -> list[str]:
        learnt = () if isinstance(revision, Bare) else taught.get(revision.snapshot, ())
        return [entry.statement for entry in learnt if entry.checker and entry.id not in wanted]

    if not (past := gone(champion)):
        return why
    line = [night.registry.resolve(revision) for revision in night.registry.line()]
    back = next(revision for revision in reversed(line) if not gone(revision))
    which = f"“{past[0]}”" if len(past) == 1 else f"“{past[0]}” and {len(past) - 1} more"
    past_it = f"`persona rollback {back.ref}` goes back to before"
    return f"{why}; {champion.ref} was taught {which}, which nobody wants now: {past_it}"


def _build(night: Night, run: str, distilled: Distilled, costs: Costs) -> Candidate:
    curve = Curve()
    try:
        done = in_tries(
            night,
            "train",
            lambda halvings, budget: _train(night, run, distilled, curve, halvings=halvings, budget=budget),
        )
        costs.add_child("train", done.value.usage, done)
        with costs.stage("publish"):
            revision = _publish(night, run, distilled, done.value.outcome)
    except BaseException:
        night.registry.discard(run)
        raise
    finally:
        clear_run(night.home.runs / run)
    return Candidate(revision=revision, training=_training(done.value.outcome, curve))


def _train(
    night: Night, run: str, distilled: Distilled, curve: Curve, *, halvings: int, budget: Budget
) -> Trained:
    """One try, into an empty staging folder; it goes on from what one before it could keep."""
    curve.clear()
    night.registry.discard(run)
    reach("night.stage")
    folder = make_private(night.home.runs / run)
    job = TrainingJob(
        home=night.home.root,
        base=night.base.name,
        base_fingerprint=night.base.fingerprint,
        examples=tuple(night.store.examples.get(distilled.snapshot.train)),
        recipe=night.recipe,
        out=night.registry.stage(run),
        reference=night.home.identity(night.identity).folder / "reference.json",
        preferences=distilled.snapshot.preferences,
        device=night.device,
        threads=night.threads,
        halvings=halvings,
        least_examples=_LEAST_EXAMPLES,
        checkpoint=folder / "checkpoint" if night.pause is not None and night.pause.manner == "end" else None,
    )
    reach("night.train")
    return train(
        job,
        folder=folder,
        budget=budget,
        on_progress=lambda event: night.on_progress({"stage": "train", **curve.seen(event)}),
        cancel=night.cancel,
        pause=night.pause,
    )


def _publish(night: Night, run: str, distilled: Distilled, outcome: TrainingOutcome) -> Revision:
    staged = night.registry.staged()[run]
    reach("night.convert")
    if night.base.gguf is not None:
        write_gguf_adapter(staged, night.base, staged / "adapter.gguf")
    reach("night.publish")
    return night.registry.publish(staged, _record(night, distilled, outcome.versions))


def _record(night: Night, distilled: Distilled, versions: Mapping[str, str]) -> Build:
    return Build(
        identity=night.identity,
        parent="r0",  # every night builds from the bare base
        base=night.base.ref,
        snapshot=distilled.snapshot.id,
        recipe=night.recipe.to_json(),
        seed=night.recipe.seed,
        versions=versions,
        created_at=night.now(),
    )


def _training(outcome: TrainingOutcome, curve: Curve) -> Training:
    return Training(
        rows=outcome.rows,
        pairs=outcome.pairs,
        too_long=len(outcome.too_long),
        steps=outcome.steps,
        tokens=outcome.trained_tokens,
        device=outcome.device,
        losses=curve.losses(),
        scale=outcome.scale,
        drift=outcome.drift,
    )
