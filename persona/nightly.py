"""The night: distill, train, evaluate, promote; each leaves its result where the next finds it.

    store ──distill──▶ snapshot ──train──▶ staged files ──publish──▶ candidate
                                                                        │
      Operation ◀──promote── Verdict ◀──judge── EvalReport ◀──evaluate──┘

Cut off anywhere, the next night finds a terminal run, no half revision, and does again what was not done.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil

from adapters import BaseRef, Build, Registry, Revision, RevisionState, build_key
from persona.base import Base
from persona.child import Budget
from persona.distill import Distilled, distill, given_up, probes
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.engine.protocol import Prompt
from persona.errors import NoSpace, PersonaError
from persona.evaluate import EvaluationJob, Probe, evaluate
from persona.paths import Home, make_private
from persona.promote import GatePolicy, apply, judge
from persona.report import EvalReport
from persona.train import Recipe, TrainingJob, train
from store import Store
from store.records import PreferencePair, Run, RunState

if TYPE_CHECKING:
    from persona.engine.opener import EngineKind

MIN_EXAMPLES = 4
FREE_FLOOR = 256 * 2**20  # bytes; a revision, its scratch files and the store's journal fit well within
Event = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Night:
    """What a night works on and with. Whoever runs it holds the home's lock."""

    home: Home
    identity: str
    store: Store
    registry: Registry
    base: Base
    recipe: Recipe
    policy: GatePolicy
    budget: Budget
    engine: EngineKind = "auto"
    device: str = "auto"
    threads: int = 0
    on_progress: Callable[[Event], None] = lambda _: None
    cancel: threading.Event | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class NightResult:
    """`outcome` is PROMOTED, REJECTED or NOTHING_TO_LEARN; `revision` is "r7", or None when none was made.

    `costs` has seconds and peak memory in bytes of each stage that ran.
    """

    run: str
    outcome: RunState
    reasons: tuple[str, ...]
    revision: str | None = None
    report: EvalReport | None = None
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def run_night(night: Night) -> NightResult:
    """One night, start to end. What it raises is written to its run first."""
    close_cut_off_runs(night.store, night.now())
    run = f"{night.now():%Y%m%dt%H%M%S}-{secrets.token_hex(3)}"
    night.store.runs.start(Run(id=run, started_at=night.now(), state=RunState.STARTED))
    costs = _Costs()
    try:
        result = _stages(night, run, costs)
    except KeyboardInterrupt:
        _finish(night, run, RunState.INTERRUPTED, ["interrupted"], costs)
        raise
    except Exception as error:
        why = str(error) if isinstance(error, PersonaError) else f"{type(error).__name__}: {error}"
        _finish(night, run, RunState.FAILED, [why], costs)
        raise
    return result


def close_cut_off_runs(store: Store, now: datetime) -> None:
    """Give an end to runs that a crash or power cut left without one."""
    for run in store.runs.open_runs():
        store.runs.finish(
            run.id, state=RunState.INTERRUPTED, ended_at=now, reasons=["cut off before its end"]
        )


def _stages(night: Night, run: str, costs: _Costs) -> NightResult:
    _require_space(night.home)
    with costs.stage("distill"):
        night.on_progress({"stage": "distill", "step": "distill", "done": 0, "total": 1})
        distilled = distill(night.store, now=night.now())
    candidate, why_not = _candidate(night, run, distilled, costs)
    if candidate is None:
        _finish(night, run, RunState.NOTHING_TO_LEARN, [why_not], costs, snapshot=distilled.snapshot.id)
        return NightResult(run=run, outcome=RunState.NOTHING_TO_LEARN, reasons=(why_not,), costs=costs.found)
    champion = night.registry.champion()
    report = _evaluate(night, run, distilled, candidate, champion, costs)
    with costs.stage("promote"):
        verdict = judge(report, night.policy)
        apply(verdict, night.registry, candidate=candidate.id, champion=champion)
    outcome = RunState.PROMOTED if verdict.accepted else RunState.REJECTED
    _finish(
        night,
        run,
        outcome,
        verdict.reasons,
        costs,
        snapshot=distilled.snapshot.id,
        revision=candidate.id,
        report=report.to_json(),
    )
    return NightResult(
        run=run,
        outcome=outcome,
        reasons=verdict.reasons,
        revision=candidate.ref,
        report=report,
        costs=costs.found,
    )


def _candidate(night: Night, run: str, distilled: Distilled, costs: _Costs) -> tuple[Revision | None, str]:
    """A revision to judge, built unless the same build awaits judgement already; or why there is none."""
    snapshot = distilled.snapshot
    if len(snapshot.train) < MIN_EXAMPLES:
        return None, (
            f"{len(snapshot.train)} examples to learn from, at least {MIN_EXAMPLES} are needed: "
            "edit, pick or vote on some answers"
        )
    known = night.registry.find_build(
        build_key(
            base=night.base.fingerprint,
            snapshot=snapshot.id,
            recipe=night.recipe.to_json(),
            seed=night.recipe.seed,
        )
    )
    if known is None:
        return _build(night, run, distilled, costs), ""
    if night.registry.state(known.id) is RevisionState.CANDIDATE:
        return known, ""
    return None, f"nothing new since {known.ref}: the same examples, base and recipe built it"


def _build(night: Night, run: str, distilled: Distilled, costs: _Costs) -> Revision:
    staged = night.registry.stage(run)
    folder = make_private(night.home.runs / run)
    try:
        job = TrainingJob(
            home=night.home.root,
            base=night.base.name,
            base_fingerprint=night.base.fingerprint,
            examples=tuple(night.store.examples.get(distilled.snapshot.train)),
            recipe=night.recipe,
            out=staged,
            reference=night.home.identity(night.identity).folder / "reference.json",
            device=night.device,
            threads=night.threads,
        )
        done = train(
            job,
            folder=folder,
            budget=night.budget,
            on_progress=lambda event: night.on_progress({"stage": "train", **event}),
            cancel=night.cancel,
        )
        costs.add("train", done.seconds, done.peak_bytes)
        with costs.stage("publish"):
            if night.base.gguf is not None:
                write_gguf_adapter(staged, night.base, staged / "adapter.gguf")
            return night.registry.publish(staged, _build_record(night, distilled, done.outcome.versions))
    except BaseException:
        night.registry.discard(run)
        raise
    finally:
        _forget_job_files(night, run)


def _build_record(night: Night, distilled: Distilled, versions: Mapping[str, str]) -> Build:
    parts = night.base.parts
    return Build(
        identity=night.identity,
        parent="r0",  # every night builds from the bare base
        base=BaseRef(
            name=night.base.name,
            fingerprint=night.base.fingerprint,
            weights=parts.weights,
            gguf=parts.gguf or "",
            tokenizer=parts.tokenizer,
            template=parts.template,
            quantisation=parts.quantisation,
        ),
        snapshot=distilled.snapshot.id,
        recipe=night.recipe.to_json(),
        seed=night.recipe.seed,
        versions=versions,
        created_at=night.now(),
    )


def _evaluate(
    night: Night, run: str, distilled: Distilled, candidate: Revision, champion: str, costs: _Costs
) -> EvalReport:
    folder = make_private(night.home.runs / run)
    try:
        done = evaluate(
            evaluation_job(night, distilled, candidate=candidate.id, champion=champion),
            folder=folder,
            budget=night.budget,
            on_progress=lambda event: night.on_progress({"stage": "evaluate", **event}),
            cancel=night.cancel,
        )
    finally:
        _forget_job_files(night, run)
    costs.add("evaluate", done.seconds, done.peak_bytes)
    return done.report


def evaluation_job(night: Night, distilled: Distilled, *, candidate: str, champion: str) -> EvaluationJob:
    """What the candidate is measured on: the held-out side of the snapshot that it was built from."""
    snapshot = distilled.snapshot
    held_out = night.store.examples.get(snapshot.held_out)
    superseded = {
        entry.id: entry
        for entry in given_up(night.store.ledger.all())
        if entry.checker and entry.scope == "always"
    }
    active = {entry.id: entry for entry in snapshot.preferences if entry.checker}
    return EvaluationJob(
        home=night.home.root,
        base=night.base.name,
        adapters=night.registry.root,
        candidate=candidate,
        champion=champion,
        probes=tuple(
            Probe(
                prompt=Prompt(messages=probe.prompt, tools=probe.tools),
                preferences=tuple(entry.id for entry in probe.preferences),
                wanted=probe.reference.tool_calls,
            )
            for probe in probes(snapshot, held_out)
        ),
        pairs=tuple(example for example in held_out if isinstance(example, PreferencePair)),
        checkers={key: entry.checker for key, entry in active.items() if entry.checker},
        superseded={key: entry.checker for key, entry in superseded.items() if entry.checker},
        statements={key: entry.statement for key, entry in {**superseded, **active}.items()},
        engine=night.engine,
        device=night.device,
    )


def _require_space(home: Home) -> None:
    free = shutil.disk_usage(home.root).free
    if free < FREE_FLOOR:
        raise NoSpace(home.root, FREE_FLOOR, free)


def _forget_job_files(night: Night, run: str) -> None:
    """Jobs and results hold what the user wrote; the logs, which do not, stay for `persona doctor`."""
    folder = night.home.runs / run
    for file in folder.glob("*.json"):
        file.unlink()
    if folder.exists() and not any(log.stat().st_size for log in folder.iterdir()):
        shutil.rmtree(folder)


def _finish(
    night: Night,
    run: str,
    state: RunState,
    reasons: Any,
    costs: _Costs,
    **result: Any,
) -> None:
    night.store.runs.finish(
        run, state=state, ended_at=night.now(), reasons=list(reasons), costs=costs.found, **result
    )


class _Costs:
    """Seconds and peak memory by stage. A stage in this process is charged with this process's memory."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float]] = {}

    def add(self, stage: str, seconds: float, peak_bytes: int) -> None:
        self.found[stage] = {"seconds": round(seconds, 3), "peak_bytes": peak_bytes}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.add(name, time.monotonic() - began, psutil.Process().memory_info().rss)
