"""Revisions: which there are, why, what they changed, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from persona.cli.output import AsJson, say, say_json, say_table, when
from persona.cli.session import opened
from persona.errors import BadInput

if TYPE_CHECKING:
    from adapters import Operation, Revision
    from persona.bootstrap import Persona
    from store.records import Run

Ref = Annotated[str, typer.Argument(metavar="R", help="A revision: r7, r0 for the base, champion, or an id.")]


def revisions(context: typer.Context, as_json: AsJson = False) -> None:
    """List all revisions, oldest first; r0 is the bare base."""
    with opened(context) as persona:
        registry = persona.registry
        found = registry.survey()
        states = registry.states()
        rows = [
            _bare_row(states["r0"]),
            *(_row(revision, states[revision.id]) for revision in found.revisions),
        ]
        if as_json:
            say_json({"champion": registry.champion(), "revisions": rows})
        else:
            say_table(
                ("revision", "state", "made", "base", "snapshot", "id"),
                [
                    (
                        r["ref"],
                        r["state"],
                        when(r["created_at"]),
                        r["base"] or "",
                        r["snapshot"] or "",
                        r["id"],
                    )
                    for r in rows
                ],
            )
        if found.damage:
            raise found.damage[0]


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


def report(
    context: typer.Context,
    ref: Annotated[
        str | None, typer.Argument(metavar="[R]", help="A revision; without it, what the last night made.")
    ] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Show answers as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say why a revision was accepted or rejected, and what was measured."""
    with opened(context) as persona:
        run = _run_of(persona, ref)
        revision = persona.resolve(run.revision) if run.revision else None
        if as_json:
            say_json(
                {
                    "run": run.id,
                    "outcome": str(run.state),
                    "revision": run.revision,
                    "ref": revision.ref if revision else None,
                    "started_at": run.started_at,
                    "ended_at": run.ended_at,
                    "snapshot": run.snapshot,
                    "reasons": list(run.reasons),
                    "report": run.report,
                    "costs": run.costs,
                }
            )
        else:
            _say_report(run, revision.ref if revision else None, samples=samples)


def _run_of(persona: Persona, ref: str | None) -> Run:
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


def _say_report(run: Run, ref: str | None, *, samples: bool) -> None:
    from persona.cli.scores import score_rows
    from persona.report import EvalReport

    say(f"{ref or 'no revision'}: {run.state}, {when(run.ended_at or run.started_at)}")
    for reason in run.reasons:
        say(f"  {reason}")
    if run.report is None:
        return
    measured = EvalReport.from_json(run.report)
    say()
    say_table(
        ("measured on held-out prompts", "base", "champion then", ref or "candidate"),
        score_rows((measured.base, measured.champion, measured.candidate), measured.statements),
    )
    for sample in measured.samples if samples else ():
        say(f"\n> {sample.prompt}")
        for name, answer in (("base", sample.base), ("champion", sample.champion), (ref, sample.candidate)):
            say(f"[{name}] {answer}")


def rollback(
    context: typer.Context,
    to: Annotated[
        str | None,
        typer.Argument(metavar="[R]", help="Where to go; without it, the champion before this one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier revision the champion again; r0 is the bare base."""
    with opened(context) as persona:
        target = None if to is None else persona.resolve(to).id
        operation = persona.registry.rollback(target, reason="by hand")
        _say_operation(persona, operation, as_json=as_json)


def promote(
    context: typer.Context,
    ref: Ref,
    yes: Annotated[bool, typer.Option("--yes", help="Also if the gate rejected it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a revision the champion by hand."""
    with opened(context) as persona:
        registry = persona.registry
        revision = persona.resolve(ref)
        if registry.state(revision.id) == "rejected" and not yes:
            raise BadInput(
                f"{revision.ref} was rejected by the gate: `persona report {revision.ref}` says why; "
                "add --yes to promote it all the same"
            )
        operation = registry.promote(revision.id, expected=registry.champion(), reason="by hand")
        _say_operation(persona, operation, as_json=as_json)


def _say_operation(persona: Persona, operation: Operation, *, as_json: bool) -> None:
    now, before = persona.resolve(operation.revision), persona.resolve(operation.champion_before)
    if as_json:
        say_json(
            {
                "operation": operation.number,
                "kind": str(operation.kind),
                "champion": now.id,
                "ref": now.ref,
                "before": before.id,
                "before_ref": before.ref,
                "at": operation.at,
            }
        )
    else:
        say(f"{now.ref} is the champion now; it was {before.ref}")
