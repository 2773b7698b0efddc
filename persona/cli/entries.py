"""The ledger from the command line: what is preferred, how tools are used, the user's word on each entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from persona.answers import ledger
from persona.cli.output import AsJson, say, say_json, say_table, tell, when
from persona.cli.session import opened

if TYPE_CHECKING:
    from persona.bootstrap import Persona
    from store.records import Preference

WithAll = Annotated[bool, typer.Option("--all", help="Also those that are no longer active.")]
EntryId = Annotated[str, typer.Argument(metavar="ID", help="As `persona preferences` shows it.")]

preferences = typer.Typer(
    help="See the preferences that are learned, and decide about them.", invoke_without_command=True
)


@preferences.callback()
def list_preferences(context: typer.Context, every: WithAll = False, as_json: AsJson = False) -> None:
    """List the preferences that are learned, and where each comes from; and decide about single ones."""
    if context.invoked_subcommand is None:
        _list(context, "preferences", habits=False, every=every, as_json=as_json)


def habits(context: typer.Context, every: WithAll = False, as_json: AsJson = False) -> None:
    """List the habits: which tool, with which arguments, for which kind of request, and how it ends."""
    _list(context, "habits", habits=True, every=every, as_json=as_json)


def _list(context: typer.Context, name: str, *, habits: bool, every: bool, as_json: bool) -> None:
    from persona.answers import learning

    with opened(context) as persona:
        if as_json:
            say_json((learning.habits if habits else learning.preferences)(persona, every=every))
            return
        entries = learning.entries(persona, habits=habits, every=every)
        used = learning.tool_usage(persona) if habits else []
    say_table(
        (name, "scope", "status", "source", "signals", "last seen", "id"),
        [
            (e.statement, e.scope, _status(e), e.source, str(len(e.signals)), when(e.last_seen), e.id)
            for e in entries
        ],
    )
    if used:
        say()
        say_table(
            ("tool", "for", "calls", "mostly with", "succeeded", "corrected"),
            [
                (
                    use.tool,
                    use.kind,
                    str(use.calls),
                    ", ".join(f"{key}={json.dumps(value)}" for key, value in use.usual.items()),
                    "" if use.success is None else f"{use.success:.0%} of {use.ended}",
                    str(use.corrected),
                )
                for use in used
            ],
        )
    for entry in entries:
        if entry.status == "contested":
            tell(f"“{entry.statement}” is unclear: {ledger.question(entry)}")


def _status(entry: Preference) -> str:
    return f"{entry.status}, pinned" if entry.pinned else str(entry.status)


@preferences.command("show")
def show(context: typer.Context, entry: EntryId, as_json: AsJson = False) -> None:
    """Show one entry with its history and everything that it rests on."""
    with opened(context) as persona:
        found = ledger.preference(persona, entry)
    if as_json:
        say_json(found)
        return
    pinned = ", pinned" if found["pinned"] else ""
    say(f"{found['statement']}\n  {found['scope']}, {found['status']}{pinned}, {found['source']}")
    if "question" in found:
        say(f"  {found['question']}")
    say_table(
        ("history", "when", "why"),
        [(str(event["status"]), when(event["at"]), event["reason"]) for event in found["history"]],
    )
    say_table(
        ("evidence", "when", "what", "conversation"),
        [
            (each["detector"], when(each["at"]), each["quote"], each["conversation"] or "")
            for each in found["evidence"]
        ],
    )


@preferences.command("edit")
def edit(
    context: typer.Context,
    entry: EntryId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you prefer, in your own words.")],
    as_json: AsJson = False,
) -> None:
    """Say an entry in your own words; the old one steps back for it."""
    with opened(context) as persona:
        found = ledger.edit_preference(persona, entry, text)
    if as_json:
        say_json(found)
        return
    for made in found["preferences"]:
        unread = "" if made["checker"] else "; it works through the prompt, and cannot be checked"
        say(f"{made['id']}: {made['statement']}{unread}")
        if "question" in made:
            tell(f"“{made['statement']}” is unclear: {made['question']}")


def _decides(act: Callable[[Persona, str], dict[str, Any]], what: str) -> Callable[..., None]:
    """A command that does `act` to an entry, and says `what` that entry is now."""

    def decide(context: typer.Context, entry: EntryId, as_json: AsJson = False) -> None:
        with opened(context) as persona:
            found = act(persona, entry)
        if as_json:
            say_json(found)
        else:
            say(f"“{found['preference']['statement']}” {what}")

    return decide


for _name, _act, _what, _help in (
    (
        "pin",
        ledger.pin_preference,
        "is pinned",
        "Keep an entry whatever later answers show; only your own words change it then.",
    ),
    ("unpin", ledger.unpin_preference, "is not pinned any more", "Let later answers change an entry again."),
    (
        "settle",
        ledger.settle_preference,
        "is settled",
        "Say that an unclear entry is meant: it is active and pinned, and what stood against it steps back.",
    ),
    (
        "retire",
        ledger.retire_preference,
        "is retired",
        "Take an entry out; the next build is without it, and it stays out until you say it again.",
    ),
):
    preferences.command(_name, help=_help)(_decides(_act, _what))


def forget(
    context: typer.Context,
    preference: Annotated[
        str | None,
        typer.Option("--preference", metavar="ID", help="An entry of the ledger, and its statements."),
    ] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", metavar="ID", help="Everything that was said in it.")
    ] = None,
    interaction: Annotated[
        str | None, typer.Option("--interaction", metavar="ID", help="One answer, and all that continued it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what was said, all that was made of it, and the revisions that learned from it."""
    from persona.answers import forgetting

    named = {"conversation": conversation, "interaction": interaction, "preference": preference}
    with opened(context) as persona:
        falling = forgetting.foresee(persona, **named)
        gone = None if dry_run else forgetting.forget(persona, **named)
    if as_json:
        say_json({"dry_run": dry_run, "falling": falling, "forgotten": gone})
        return
    if gone is None:
        _say_falling(falling)
    else:
        _say_gone(gone)


def _say_falling(falling: dict[str, Any]) -> None:
    say(f"interactions would go: {len(falling['interactions'])}, acts on them: {len(falling['feedback'])}")
    for entry in falling["preferences"]:
        say(f"preference would go: {entry['statement']} ({entry['id']})")
    say(f"examples would go: {falling['examples']}")
    if falling["revisions"]:
        say(f"revisions would go, since they learned from it: {', '.join(falling['revisions'])}")
    tell("nothing was changed; without --dry-run it goes, and the next night rebuilds without it")


def _say_gone(gone: dict[str, Any]) -> None:
    say(f"interactions gone: {gone['interactions']}, acts on them: {gone['feedback']}")
    say(f"preferences gone: {gone['preferences']}")
    say(f"examples gone: {gone['examples']}")
    if gone["revisions"]:
        say(f"revisions gone, since they learned from it: {', '.join(gone['revisions'])}")
    say(f"{gone['ref']} answers; the next night rebuilds without it")
