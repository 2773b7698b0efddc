"""Which revisions stay: the clean-up, and pins that it respects."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from persona.cli.output import AsJson, say, say_json, say_table, tell
from persona.cli.session import opened

Ref = Annotated[str, typer.Argument(metavar="R", help="A revision: r7 or an id.")]


def gc(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove revisions that nobody needs any more: old former champions and rejected ones. They are retired
    for good, and their files are erased."""
    from persona.answers import keeping
    from persona.daemon.elsewhere import DaemonNights

    with opened(context) as persona:
        daemon = DaemonNights.of(persona)
        found = keeping.gc(persona, yes, () if daemon is None else daemon.loaded(persona))
    if as_json:
        say_json(found)
        return
    say_table(
        ("revision", "state", "stays", "why"),
        [(r["ref"], r["state"], "yes" if r["stays"] else "no", r["reason"]) for r in found["revisions"]],
    )
    freed = f"{found['freed_bytes'] / 1e6:.1f} MB"
    if yes:
        say(f"{len(found['removed'])} removed, {freed} freed")
    elif found["would_remove"]:
        tell(f"nothing was removed; --yes removes {', '.join(found['would_remove'])} and frees {freed}")


def pin(context: typer.Context, ref: Ref, as_json: AsJson = False) -> None:
    """Keep a revision, whatever a clean-up would do."""
    from persona.answers import keeping

    with opened(context) as persona:
        found = keeping.pin(persona, ref)
    _say(found, as_json=as_json)


def unpin(context: typer.Context, ref: Ref, as_json: AsJson = False) -> None:
    """Leave a revision to the clean-up again."""
    from persona.answers import keeping

    with opened(context) as persona:
        found = keeping.unpin(persona, ref)
    _say(found, as_json=as_json)


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(found)
    else:
        say(f"{found['ref']} is {'pinned' if found['pinned'] else 'no longer pinned'}")
