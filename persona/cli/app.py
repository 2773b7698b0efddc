"""The command tree: every command in one table, in the order in which help shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from persona import __version__
from persona.bootstrap import Persona, bootstrap
from persona.cli import (
    care,
    comparison,
    entries,
    export,
    history,
    keeping,
    learn,
    morning,
    service,
    serving,
    talk,
)

_TALK, _LEARN, _HISTORY, _SERVE, _CARE = "Talk", "Learn", "History", "Serve", "Care"

_COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("chat", talk.chat, _TALK),
    ("ask", talk.ask, _TALK),
    ("import", learn.import_files, _LEARN),
    ("train", learn.train, _LEARN),
    ("prefer", learn.prefer, _LEARN),
    ("habits", entries.habits, _LEARN),
    ("forget", entries.forget, _LEARN),
    ("morning", morning.morning, _HISTORY),
    ("revisions", history.revisions, _HISTORY),
    ("report", history.report, _HISTORY),
    ("diff", comparison.diff, _HISTORY),
    ("rollback", history.rollback, _HISTORY),
    ("promote", history.promote, _HISTORY),
    ("pin", keeping.pin, _HISTORY),
    ("unpin", keeping.unpin, _HISTORY),
    ("gc", keeping.gc, _HISTORY),
    ("export", export.export, _HISTORY),
    ("serve", serving.serve, _SERVE),
    ("connect", serving.connect, _SERVE),
    ("init", care.init, _CARE),
    ("status", care.status, _CARE),
    ("doctor", care.doctor, _CARE),
    ("fsck", care.fsck, _CARE),
)

app = typer.Typer(
    name="persona",
    help="A personal model that learns overnight, on your own machine.",
    pretty_exceptions_enable=False,  # persona.__main__ shows expected errors, the others are bugs
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _function, _panel in _COMMANDS:
    app.command(_name, rich_help_panel=_panel)(_function)
app.add_typer(entries.preferences, name="preferences", rich_help_panel=_LEARN)
app.add_typer(serving.token, name="token", rich_help_panel=_SERVE)
app.add_typer(service.app, name="service", rich_help_panel=_CARE)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"persona {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # its callback answers
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str], open_persona: Callable[[], Persona] | None = None) -> int:
    """Run one command; its exit code. Errors and Ctrl-C leave as they are (see persona.__main__)."""
    command = typer.main.get_command(app)
    code = command.main(
        list(arguments) or ["--help"],
        prog_name="persona",
        standalone_mode=False,
        obj=open_persona or bootstrap,
    )
    return code if isinstance(code, int) else 0
