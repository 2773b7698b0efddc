"""The nights that have been."""

from __future__ import annotations

from typing import Any

from persona.answers.limits import Limit
from persona.bootstrap import Persona  # by name: the arguments are checked at run time


def runs(persona: Persona, limit: Limit = 50) -> dict[str, Any]:
    """The newest nights, newest first, without what they measured."""
    return {
        "runs": [
            {
                "run": run.id,
                "outcome": str(run.state),
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "revision": run.revision,
                "reasons": list(run.reasons),
                "costs": run.costs,
            }
            for run in persona.store.runs.all()[::-1][:limit]
        ]
    }
