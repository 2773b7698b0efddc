"""The home as a whole: what is going on in it."""

from __future__ import annotations

from typing import Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import Busy


def status(persona: Persona) -> dict[str, Any]:
    """Who answers, what is kept, how the last night ended."""
    store, registry = persona.store, persona.registry
    champion = persona.resolve("champion")
    active = store.ledger.active()
    habits = sum(entry.scope.startswith("tool:") for entry in active)
    run = store.runs.latest()
    return {
        "home": str(persona.home.root),
        "identity": persona.identity,
        "base": persona.settings.base.name,
        "champion": {"id": champion.id, "ref": champion.ref},
        "candidates": sum(state == "candidate" for state in registry.states().values()),
        "interactions": store.interactions.count(),
        "feedback": len(store.feedback.all()),
        "preferences": len(active) - habits,
        "habits": habits,
        "last_night": None
        if run is None
        else {
            "run": run.id,
            "outcome": str(run.state),
            "at": run.ended_at or run.started_at,
            "revision": run.revision,
        },
        "schedule": _schedule(persona),
        "votes": _concern(persona),
        "busy": _is_busy(persona),
    }


def _schedule(persona: Persona) -> dict[str, Any]:
    from persona.schedule.outlook import outlook

    return outlook(persona.paths.schedule, persona.settings.schedule)


def _concern(persona: Persona) -> dict[str, Any] | None:
    """What the votes say about the champion; None while there is none before it to compare with. What they
    took back is told until another champion takes office."""
    found = persona.concern()
    if found is None:
        if not (taken_back := persona.taken_back()):
            return None
        champion = persona.resolve("champion").ref
        return {
            "finding": "taken_back",
            "reason": taken_back,
            "chance": None,
            "champion": champion,
            "back_to": champion,
        }
    return {
        "finding": str(found.watched.finding),
        "reason": found.watched.reason,
        "chance": found.watched.chance,
        "champion": persona.resolve(found.champion).ref,
        "back_to": persona.resolve(found.before).ref,
    }


def _is_busy(persona: Persona) -> bool:
    from persona.lock import home_lock

    try:
        with home_lock(persona.home.root):
            return False
    except Busy:
        return True
