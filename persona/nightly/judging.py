"""The measurement of a candidate, beside champion and base, in a child of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

from adapters import Revision
from adapters.failpoint import reach
from persona.bridge import borne
from persona.child import Budget
from persona.distill import Distilled, bounded, given_up, probes, prompt_key
from persona.engine.protocol import Prompt
from persona.evaluate import Evaluated, EvaluationJob, Probe, evaluate
from persona.nightly.costs import Costs
from persona.nightly.night import Night, in_tries
from persona.nightly.recovery import clear_run
from persona.offers import offers
from persona.paths import make_private
from persona.precedents import precedents
from persona.report import Arm, EvalReport
from store.records import Example, Message, PreferencePair

MOST_PROBES = 48  # an answer is some seconds of a slow machine, three times over
MOST_PAIRS = 32
LEAST_ROOM, USUAL_ROOM, MOST_ROOM = (
    128,
    256,
    512,
)  # tokens of an answer: a base that rambles fills them, prompt by prompt


def measure(
    night: Night, run: str, distilled: Distilled, candidate: Revision, champion: str, costs: Costs
) -> EvalReport:
    job = evaluation_job(night, distilled, candidate=candidate.id, champion=champion)

    def attempt(_halvings: int, budget: Budget) -> Evaluated:
        reach("night.evaluate")
        return evaluate(
            job,
            folder=make_private(night.home.runs / run),
            budget=budget,
            on_progress=lambda event: night.on_progress({"stage": "evaluate", **event}),
            cancel=night.cancel,
            pause=night.pause,
        )

    try:
        done = in_tries(night, "evaluate", attempt)
    finally:
        clear_run(night.home.runs / run)
    costs.add_child("evaluate", done.value.usage, done)
    return done.value.report


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
    in_force = {(entry.scope, entry.attribute): key for key, entry in active.items()}
    instead = {
        key: now for key, entry in superseded.items() if (now := in_force.get((entry.scope, entry.attribute)))
    }
    known = [*night.store.examples.get(snapshot.train), *held_out]
    asked = sorted(bounded(probes(snapshot, known), MOST_PROBES), key=lambda probe: not probe.conversation)
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
                bears=borne(Prompt(messages=probe.prompt, tools=probe.tools), snapshot.preferences),
            )
            for probe in asked
        ),
        pairs=_pairs(held_out),
        checkers={key: entry.checker for key, entry in active.items() if entry.checker},
        superseded={key: entry.checker for key, entry in superseded.items() if entry.checker},
        instead=instead,
        statements={entry.id: entry.statement for entry in (*superseded.values(), *snapshot.preferences)},
        engine=night.engine,
        device=night.device,
        offer=next(iter(offers(known)), None),
        precedents=precedents(known[: len(snapshot.train)]),
        max_tokens=room_for([probe.reference for probe in asked if probe.conversation]),
    )


def room_for(wanted: Sequence[Message]) -> int:
    """Tokens of an answer, enough for nine of ten of the wanted ones: of an answer that is cut off nobody can
    say how it ends. A token is three characters at least, in the tongues that bases are made for. Where no
    text shows what is wanted there is room for what a base says of itself."""
    lengths = sorted(len(message.content) for message in wanted if not message.tool_calls)
    if not lengths:
        return USUAL_ROOM
    longest = lengths[math.ceil(0.9 * len(lengths)) - 1]
    return min(max(LEAST_ROOM, math.ceil(longest / 3)), MOST_ROOM)


def earlier_champions(night: Night) -> tuple[Arm, ...]:
    """The champions before the present one, each as its own night measured it; oldest first.

    Whom a rollback left is not among them, nor is whoever has no report: it was made elsewhere, or its report
    quoted what was forgotten.
    """
    runs = [night.store.runs.of_revision(revision) for revision in night.registry.line()[1:-1]]
    return tuple(
        EvalReport.from_json(run.report).candidate
        for run in runs
        if run is not None and run.report is not None
    )


def _pairs(held_out: Sequence[Example]) -> tuple[PreferencePair, ...]:
    """The newest pair of each of the newest prompts: the other pairs of a prompt ask nearly the same."""
    newest = {
        prompt_key(each.prompt, each.tools): each for each in held_out if isinstance(each, PreferencePair)
    }
    return tuple(newest.values())[-MOST_PAIRS:]
