"""One way in for programs: a name and arguments, checked, and plain JSON back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import ValidationError, validate_call

from persona.answers import (
    comparison,
    forgetting,
    history,
    home,
    keeping,
    learning,
    ledger,
    lineage,
    morning,
    nights,
    talk,
    timeline,
    tonight,
)
from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput
from persona.failure import in_one_tree

QUESTIONS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "status": home.status,
    "revisions": history.revisions,
    "report": history.report,
    "morning": morning.morning,
    "runs": nights.runs,
    "diff": comparison.diff,
    "rollback": history.rollback,
    "promote": history.promote,
    "pin": keeping.pin,
    "unpin": keeping.unpin,
    "gc": keeping.gc,
    "preferences": learning.preferences,
    "preference": ledger.preference,
    "pin_preference": ledger.pin_preference,
    "unpin_preference": ledger.unpin_preference,
    "settle_preference": ledger.settle_preference,
    "retire_preference": ledger.retire_preference,
    "edit_preference": ledger.edit_preference,
    "habits": learning.habits,
    "prefer": learning.prefer,
    "timeline": timeline.timeline,
    "tonight": tonight.tonight,
    "evidence": tonight.evidence,
    "learned": lineage.learned,
    "why": lineage.why,
    "forget": forgetting.forget,
    "foresee": forgetting.foresee,
    "conversations": talk.conversations,
    "conversation": talk.conversation,
    "search": talk.search,
}


def ask(persona: Persona, name: str, arguments: Mapping[str, Any]) -> Any:
    """The answer of one question or act, as JSON. BadInput for a name or an argument that is not known, and
    everything that goes wrong as a PersonaError.
    """
    question = QUESTIONS.get(name)
    if question is None:
        raise BadInput(f"no question {name!r}: known are {', '.join(QUESTIONS)}")
    with in_one_tree():
        try:
            return plain(validate_call(partial(question, persona))(**arguments))
        except ValidationError as error:
            wrong = error.errors()[0]
            where = wrong["loc"][-1] if wrong["loc"] else "?"
            raise BadInput(f"{name}: {where}: {wrong['msg'].lower()}") from None


def plain(value: Any) -> Any:
    """Times as ISO 8601, records of any mapping or sequence type as JSON has them."""
    match value:
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case str():
            return str(value)
        case list() | tuple():
            return [plain(item) for item in value]
    return value
