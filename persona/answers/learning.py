"""What is learned: preferences, habits, and what the user says of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from persona.answers.ledger import entry_json, retire_preference
from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput

if TYPE_CHECKING:
    from persona.distill.usage import ToolUse
    from persona.nightly import NightResult
    from store.records import Preference

_HABIT = "tool:"  # how the scope of an entry about a tool begins


def preferences(persona: Persona, every: bool = False, retire: str | None = None) -> dict[str, Any]:
    """The entries of the ledger that are active or wait for the user's word, or `every` one; `retire` takes
    the one with that id out."""
    return {"preferences": _entries(persona, habits=False, every=every, retire=retire)}


def habits(persona: Persona, every: bool = False, retire: str | None = None) -> dict[str, Any]:
    """The same for what is about tools; `usage` is how tools are used, for each kind of request."""
    return {
        "habits": _entries(persona, habits=True, every=every, retire=retire),
        "usage": [{**asdict(use), "success": use.success} for use in tool_usage(persona)],
    }


def tool_usage(persona: Persona) -> list[ToolUse]:
    from persona.distill.usage import usage

    return usage(persona.store.interactions.all(), persona.store.signals.all())


def _entries(persona: Persona, *, habits: bool, every: bool, retire: str | None) -> list[Any]:
    if retire is not None:
        retire_preference(persona, retire)
    return [entry_json(entry) for entry in entries(persona, habits=habits, every=every)]


def entries(persona: Persona, *, habits: bool, every: bool) -> list[Preference]:
    return [
        entry
        for entry in persona.store.ledger.all()
        if entry.scope.startswith(_HABIT) is habits and (every or entry.status in ("active", "contested"))
    ]


def prefer(persona: Persona, text: str) -> dict[str, Any]:
    """State a preference. It shows in the ledger at once, and the next night learns it."""
    from persona.distill import revise_ledger
    from store.identity import with_id
    from store.records import Feedback, FeedbackKind

    if not text.strip():
        raise BadInput("the preference is empty: say it in your own words")
    stated = with_id(
        Feedback(id="", kind=FeedbackKind.PREFERENCE, at=datetime.now(UTC), content=text.strip())
    )
    persona.store.feedback.add(stated)
    changes = revise_ledger(persona.store, infer=False)
    return {
        "feedback": stated.id,
        "statement": stated.content,
        "changes": [asdict(change) for change in changes],
    }


def night_json(result: NightResult) -> dict[str, Any]:
    """How a night ended."""
    return {
        "outcome": str(result.outcome),
        "run": result.run,
        "revision": result.revision,
        "reasons": list(result.reasons),
        "report": None if result.report is None else result.report.to_json(),
        "costs": result.costs,
    }
