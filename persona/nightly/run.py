"""The night: distill, train, evaluate, promote; each leaves its result where the next finds it.

    store ──distill──▶ snapshot ──train──▶ staged files ──publish──▶ candidate
                                                                        │
      Operation ◀──promote── Verdict ◀──judge── EvalReport ◀──evaluate──┤
                                │ learnt well, and did harm             │
                                └──weaken──▶ the same, 0.7 as strong ───┘  once

Cut off anywhere, the next night finds a terminal run, no half revision, and does again what was not done.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters import Revision
from adapters.failpoint import reach
from persona.distill import Distilled, distill
from persona.errors import NoSpace, PersonaError, Yielded
from persona.nightly.building import Candidate, find_or_build
from persona.nightly.costs import Costs
from persona.nightly.judgement import Judgement
from persona.nightly.judging import earlier_champions, measure
from persona.nightly.night import Night, NightResult
from persona.nightly.recovery import clear_run, end_run, recover
from persona.nightly.weakening import STRENGTH, is_weakened, weaken, why_weakened
from persona.paths import Home, make_private
from persona.promote import Verdict, apply, judge
from persona.report import EvalReport
from store.records import Run, RunState

_FREE_FLOOR = 256 * 2**20  # bytes; a revision, its scratch files and the store's journal fit well within


def run_night(night: Night) -> NightResult:
    """One night, start to end. What it raises is written to its run first."""
    recover(runs=night.home.runs, store=night.store, registry=night.registry, now=night.now())
    run = f"{night.now():%Y%m%dt%H%M%S}-{secrets.token_hex(3)}"
    reach("night.start")
    night.store.runs.start(Run(id=run, started_at=night.now(), state=RunState.STARTED))
    costs = Costs()
    try:
        return _stages(night, run, costs)
    except (KeyboardInterrupt, Yielded) as error:
        _break_off(night, run, RunState.INTERRUPTED, str(error) or "interrupted", costs)
        raise
    except Exception as error:
        why = str(error) if isinstance(error, PersonaError) else f"{type(error).__name__}: {error}"
        _break_off(night, run, RunState.FAILED, why, costs)
        raise


def _stages(night: Night, run: str, costs: Costs) -> NightResult:
    _require_space(night.home)
    reach("night.distill")
    with costs.stage("distill"):
        night.on_progress({"stage": "distill", "step": "distill", "done": 0, "total": 1})
        distilled = distill(night.store, now=night.now())
    candidate, why_not = find_or_build(night, run, distilled, costs)
    if candidate is None:
        _finish(night, run, RunState.NOTHING_TO_LEARN, [why_not], costs, snapshot=distilled.snapshot.id)
        return NightResult(run=run, outcome=RunState.NOTHING_TO_LEARN, reasons=(why_not,), costs=costs.found)
    champion = night.registry.champion()
    judged = _judge(night, run, distilled, candidate, champion, costs)
    if judged.verdict.too_strong and not is_weakened(candidate.revision):
        # First published, then the stronger one refused: whatever cuts the night off, one awaits judgement.
        weaker = weaken(night, run, candidate.revision, costs)
        _decide(night, run, judged, costs)
        judged = _judge(night, run, distilled, _at(candidate, weaker), champion, costs)
    return _conclude(night, run, judged, costs)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    """`champion` is the one that the candidate was held against."""

    revision: Revision
    champion: str
    report: EvalReport
    verdict: Verdict


def _at(candidate: Candidate, weaker: Revision) -> Candidate:
    """The candidate in its weaker form; how far that drifts on replay was not measured."""
    training = candidate.training
    if training is not None:
        training = replace(training, scale=training.scale * STRENGTH, drift=None)
    return Candidate(revision=weaker, training=training)


def _judge(
    night: Night, run: str, distilled: Distilled, candidate: Candidate, champion: str, costs: Costs
) -> _Judged:
    revision = candidate.revision
    report = measure(night, run, distilled, revision, champion, costs)
    report = replace(report, training=candidate.training)
    verdict = judge(report, night.policy, earlier_champions(night))
    if is_weakened(revision) and (why := why_weakened(night.registry, revision)):
        verdict = replace(verdict, reasons=(*verdict.reasons, why))
    return _Judged(revision=revision, champion=champion, report=report, verdict=verdict)


def _decide(night: Night, run: str, judged: _Judged, costs: Costs) -> None:
    """The verdict becomes an operation; what lies between that and the run's end is written down first."""
    verdict = judged.verdict
    judgement = Judgement(
        accepted=verdict.accepted,
        snapshot=judged.revision.snapshot,
        revision=judged.revision.id,
        reasons=verdict.reasons,
        report=judged.report.to_json(),
        costs=costs.found,
    )
    reach("night.judge")
    judgement.write(make_private(night.home.runs / run))
    reach("night.promote")
    with costs.stage("promote"):
        apply(verdict, night.registry, candidate=judged.revision.id, champion=judged.champion)


def _conclude(night: Night, run: str, judged: _Judged, costs: Costs) -> NightResult:
    _decide(night, run, judged, costs)
    verdict, revision = judged.verdict, judged.revision
    outcome = RunState.PROMOTED if verdict.accepted else RunState.REJECTED
    _finish(
        night,
        run,
        outcome,
        verdict.reasons,
        costs,
        snapshot=revision.snapshot,
        revision=revision.id,
        report=judged.report.to_json(),
    )
    return NightResult(
        run=run,
        outcome=outcome,
        reasons=verdict.reasons,
        revision=revision.ref,
        report=judged.report,
        costs=costs.found,
    )


def _require_space(home: Home) -> None:
    free = shutil.disk_usage(home.root).free
    if free < _FREE_FLOOR:
        raise NoSpace(home.root, _FREE_FLOOR, free)


def _finish(
    night: Night,
    run: str,
    state: RunState,
    reasons: Sequence[str],
    costs: Costs,
    **result: Any,
) -> None:
    reach("night.finish")
    night.store.runs.finish(
        run, state=state, ended_at=night.now(), reasons=list(reasons), costs=costs.found, **result
    )
    clear_run(night.home.runs / run)


def _break_off(night: Night, run: str, state: RunState, why: str, costs: Costs) -> None:
    """The end of a run that something stopped, maybe after its judgement had taken effect."""
    end_run(
        run,
        runs=night.home.runs,
        store=night.store,
        registry=night.registry,
        now=night.now(),
        state=state,
        reason=why,
        costs=costs.found,
    )
    clear_run(night.home.runs / run)
