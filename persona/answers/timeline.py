"""Every revision with what its night said of it, for those who show them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from persona.report import Arm, Rate
    from store.records import Run


def timeline(persona: Persona) -> dict[str, Any]:
    """Oldest first, r0 with them. `previous` is where a rollback would go; scores are None where nothing was
    measured."""
    registry = persona.registry
    states, pinned = registry.states(), registry.pinned()
    made_by = {run.revision: run for run in persona.store.runs.all() if run.revision}
    previous = registry.previous()
    bare = {"id": "r0", "ref": "r0", "state": str(states["r0"]), "created_at": None, "pinned": False}
    return {
        "champion": persona.resolve("champion").ref,
        "previous": None if previous is None else persona.resolve(previous).ref,
        "revisions": [
            {**bare, **_scores(None)},
            *(
                {
                    "id": revision.id,
                    "ref": revision.ref,
                    "state": str(states[revision.id]),
                    "created_at": revision.created_at,
                    "pinned": revision.id in pinned,
                    **_scores(made_by.get(revision.id)),
                }
                for revision in registry.survey().revisions
            ),
        ],
    }


def _scores(run: Run | None) -> dict[str, Any]:
    from persona.report import EvalReport

    report = None if run is None or run.report is None else EvalReport.from_json(run.report)
    arm = None if report is None else report.candidate
    return {
        "outcome": None if run is None else str(run.state),
        "reasons": [] if run is None else list(run.reasons),
        "drift": None if arm is None else arm.drift,
        "adoption": None if arm is None else _together(arm.adoption.values()),
        "pairs": _rate(arm, "pairs"),
        "calls_exact": _rate(arm, "calls_exact"),
    }


def _together(rates: Iterable[Rate]) -> dict[str, int] | None:
    asked = [rate for rate in rates if rate.asked]
    if not asked:
        return None
    return {"passed": sum(rate.passed for rate in asked), "asked": sum(rate.asked for rate in asked)}


def _rate(arm: Arm | None, name: str) -> dict[str, int] | None:
    rate: Rate | None = None if arm is None else getattr(arm, name)
    return None if rate is None else {"passed": rate.passed, "asked": rate.asked}
