"""How the last night went, for the person it learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persona.answers.history import run_of
from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.morning.note import note
from persona.morning.story import Morning, tell

if TYPE_CHECKING:
    from store.records import Run


def morning(persona: Persona, revision: str | None = None) -> dict[str, Any]:
    """The morning note of the last night, or of the one that made this revision."""
    found = morning_of(persona, revision)
    return {
        "run": found.run.id,
        "outcome": str(found.run.state),
        "ref": found.ref,
        "champion": found.champion,
        "before": found.before,
        "headline": found.headline,
        "note": note(found),
        "learnt": [
            {
                "statement": entry.statement,
                "scope": entry.scope,
                "stated": entry.stated,
                "new": entry.is_new,
                "conversations": [source.conversation for source in entry.sources],
            }
            for entry in found.learnt
        ],
        "examples": dict(found.examples),
        "cost": {
            "minutes": round(found.cost.minutes, 2),
            "paused_minutes": round(found.cost.paused_minutes, 2),
            "cpu_minutes": round(found.cost.cpu_minutes, 2),
            "peak_gb": round(found.cost.peak_gb, 2),
            "written_mb": round(found.cost.written_mb, 1),
            "tries": found.cost.tries,
        },
        "votes": found.votes,
        "offer": found.offer,
        "back_to": found.back_to,
    }


def morning_of(persona: Persona, revision: str | None) -> Morning:
    """BadInput when no night has run, or none made this revision."""
    from persona.promote import GatePolicy

    run = run_of(persona, revision)
    concern = persona.concern()
    worse = concern is not None and concern.is_worse
    return tell(
        persona.store,
        run,
        ref=persona.resolve(run.revision).ref if run.revision else None,
        champion=persona.resolve("champion").ref,
        before=_before(persona, run),
        max_drift=persona.settings.gate.max_drift or GatePolicy().max_drift,
        offer=concern.watched.reason if concern is not None and worse else "",
        back_to=persona.resolve(concern.before).ref if concern is not None and worse else "",
        votes=concern.watched.reason if concern is not None else persona.taken_back(),
    )


def _before(persona: Persona, run: Run) -> str | None:
    """The champion that the candidate of this run was held against."""
    if run.report is None:
        return None
    return persona.resolve(run.report["champion"]["revision"]).ref
