"""Revisions: which there are, why, what they changed, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from persona.cli.morning import write_page
from persona.cli.output import AsJson, say, say_json, say_table, when
from persona.cli.session import opened

Ref = Annotated[str, typer.Argument(metavar="R", help="A revision: r7, r0 for the base, champion, or an id.")]


def revisions(context: typer.Context, as_json: AsJson = False) -> None:
    """List all revisions, oldest first; r0 is the bare base."""
    from persona.answers import history

    with opened(context) as persona:
        found = history.revisions(persona)
        if as_json:
            say_json(found)
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
                    for r in found["revisions"]
                ],
            )
        damage = persona.registry.survey().damage if found["damage"] else ()
        if damage:
            raise damage[0]


def report(
    context: typer.Context,
    ref: Annotated[
        str | None, typer.Argument(metavar="[R]", help="A revision; without it, what the last night made.")
    ] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Show answers as well.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with everything to FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a revision was accepted or rejected, and what was measured."""
    from persona.answers import history

    with opened(context) as persona:
        found = history.report(persona, ref)
        if html is not None:
            write_page(persona, ref, html)
    if as_json:
        say_json(found)
    else:
        _say_report(found, samples=samples)


def _say_report(found: Mapping[str, Any], *, samples: bool) -> None:
    from persona.morning.scores import left_out_line, restraint_line, score_rows
    from persona.report import EvalReport

    ref = found["ref"]
    say(f"{ref or 'no revision'}: {found['outcome']}, {when(found['ended_at'] or found['started_at'])}")
    for reason in found["reasons"]:
        say(f"  {reason}")
    if found["report"] is None:
        return
    measured = EvalReport.from_json(found["report"])
    say()
    say_table(
        ("measured on held-out prompts", "base", "champion then", ref or "candidate"),
        score_rows((measured.base, measured.champion, measured.candidate), measured.statements),
    )
    if restraint := restraint_line(measured.training):
        say(f"\nin training {restraint}")
    if left_out := left_out_line(measured):
        say(left_out)
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
    from persona.answers import history

    with opened(context) as persona:
        _say_operation(history.rollback(persona, to), as_json=as_json)


def promote(
    context: typer.Context,
    ref: Ref,
    yes: Annotated[bool, typer.Option("--yes", help="Also if the gate rejected it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a revision the champion by hand."""
    from persona.answers import history

    with opened(context) as persona:
        _say_operation(history.promote(persona, ref, yes=yes), as_json=as_json)


def _say_operation(done: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(done)
    else:
        say(f"{done['ref']} is the champion now; it was {done['before_ref']}")
