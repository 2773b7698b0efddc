"""Revisions: which there are, why, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput

if TYPE_CHECKING:
    from adapters import Operation, Revision
    from store.records import Run


def revisions(persona: Persona) -> dict[str, Any]:
    """All revisions, oldest first; r0 is the bare base. `damage` says which could not be read."""
    registry = persona.registry
    found = registry.survey()
    states = registry.states()
    return {
        "champion": registry.champion(),
        "revisions": [
            _bare_row(states["r0"]),
            *(_row(revision, states[revision.id]) for revision in found.revisions),
        ],
        "damage": [str(damage) for damage in found.damage],
    }


def _row(revision: Revision, state: str) -> dict[str, Any]:
    return {
        "id": revision.id,
        "ref": revision.ref,
        "number": revision.number,
        "state": str(state),
        "created_at": revision.created_at,
        "parent": revision.parent,
        "base": revision.base.name,
        "base_fingerprint": revision.base.fingerprint,
        "snapshot": revision.snapshot,
        "seed": revision.seed,
        "build_key": revision.build_key,
    }


def _bare_row(state: str) -> dict[str, Any]:
    keys = ("created_at", "parent", "base", "base_fingerprint", "snapshot", "seed", "build_key")
    return {"id": "r0", "ref": "r0", "number": 0, "state": str(state), **dict.fromkeys(keys)}


def report(persona: Persona, revision: str | None = None) -> dict[str, Any]:
    """Why a revision was accepted or rejected, and what was measured; without it, of the last night."""
    run = run_of(persona, revision)
    made = persona.resolve(run.revision) if run.revision else None
    return {
        "run": run.id,
        "outcome": str(run.state),
        "revision": run.revision,
        "ref": made.ref if made else None,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "snapshot": run.snapshot,
        "reasons": list(run.reasons),
        "report": run.report,
        "costs": run.costs,
    }


def run_of(persona: Persona, ref: str | None) -> Run:
    """The night that made this revision, or the last one. BadInput when there is none."""
    if ref is None:
        run = persona.store.runs.latest()
        if run is None:
            raise BadInput("no night has run yet: `persona train --now` runs one")
        return run
    revision = persona.resolve(ref)
    run = persona.store.runs.of_revision(revision.id)
    if run is None:
        raise BadInput(f"{revision.ref} has no report: no night of this store made it")
    return run


def rollback(persona: Persona, to: str | None = None) -> dict[str, Any]:
    """Make an earlier revision the champion again; without a name, the champion before this one."""
    target = None if to is None else persona.resolve(to).id
    return _operation(persona, persona.registry.rollback(target, reason="by hand"))


def promote(persona: Persona, revision: str, yes: bool = False) -> dict[str, Any]:
    """Make a revision the champion by hand; with `yes`, also one that the gate rejected."""
    registry = persona.registry
    named = persona.resolve(revision)
    if registry.state(named.id) == "rejected" and not yes:
        raise BadInput(
            f"{named.ref} was rejected by the gate: `persona report {named.ref}` says why; "
            "add --yes to promote it all the same"
        )
    return _operation(persona, registry.promote(named.id, expected=registry.champion(), reason="by hand"))


def _operation(persona: Persona, operation: Operation) -> dict[str, Any]:
    now, before = persona.resolve(operation.revision), persona.resolve(operation.champion_before)
    return {
        "operation": operation.number,
        "kind": str(operation.kind),
        "champion": now.id,
        "ref": now.ref,
        "before": before.id,
        "before_ref": before.ref,
        "at": operation.at,
    }
