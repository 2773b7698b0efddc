"""Which revisions stay on disk: the plan, the removal, and pins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time

if TYPE_CHECKING:
    from persona.promote import Plan


def gc(persona: Persona, yes: bool = False, leased: Sequence[str] = ()) -> dict[str, Any]:
    """What would be removed, and why everything else stays; with `yes` it is removed, unless a night runs.
    `leased` are the ids of revisions that a daemon has loaded now: they stay."""
    return collect(persona, yes=yes, leased=leased)


def collect(persona: Persona, *, yes: bool, leased: Collection[str]) -> dict[str, Any]:
    """The same for a daemon, which knows the ids of the revisions that are loaded now. Busy while a night
    runs."""
    from persona.promote import carry_out

    if not yes:
        return _json(_plan(persona, leased), done=False)
    with persona.lock():  # what a night builds on and compares with must not go from under it
        found = _plan(persona, leased)
        carry_out(persona.registry, found.leaving)
    return _json(found, done=True)


def _plan(persona: Persona, leased: Collection[str]) -> Plan:
    from persona.promote import RetentionPolicy, plan, standings

    registry = persona.registry
    return plan(
        standings(registry),
        RetentionPolicy(**persona.settings.keep.model_dump()),
        now=datetime.now(UTC),
        previous=registry.previous(),
        pinned=registry.pinned(),
        leased=leased,
    )


def _json(found: Plan, *, done: bool) -> dict[str, Any]:
    return {
        "removed" if done else "would_remove": [fate.standing.ref for fate in found.leaving],
        "freed_bytes": found.freed_bytes,
        "revisions": [
            {
                "ref": fate.standing.ref,
                "id": fate.standing.id,
                "state": str(fate.standing.state),
                "stays": fate.stays,
                "reason": fate.reason,
                "bytes": fate.standing.bytes,
            }
            for fate in found.fates
        ],
    }


def pin(persona: Persona, revision: str) -> dict[str, Any]:
    """Keep this revision, whatever a clean-up would do."""
    named = persona.resolve(revision)
    persona.registry.pin(named.id)
    return {"ref": named.ref, "id": named.id, "pinned": True}


def unpin(persona: Persona, revision: str) -> dict[str, Any]:
    """Leave this revision to the clean-up again."""
    named = persona.resolve(revision)
    persona.registry.unpin(named.id)
    return {"ref": named.ref, "id": named.id, "pinned": False}
