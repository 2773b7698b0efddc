"""The note about a night, for the desktop: what happened, and never what anyone wrote."""

from __future__ import annotations

from persona.schedule.state import ScheduleState
from store.records import RunState


def news(state: ScheduleState, *, retries: int, revision: str | None) -> str:
    """About the night that ended last; empty when it is no news: nothing to learn, or it is tried again."""
    last, tonight = state.log[-1], state.tonight
    match last.kind:
        case RunState.PROMOTED:
            return f"You have a new revision: {revision}. `persona morning` says what changed."
        case RunState.REJECTED:
            return f"{revision} was no better and is not used. `persona morning` says why."
        case "skipped":
            return "The night was skipped: it ran out of memory. `persona status` says what to do."
        case "failed" if tonight is not None and tonight.attempts > retries:
            return "The night failed. `persona status` says why."
    return ""
