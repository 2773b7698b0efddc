"""The morning note, and the page with everything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from persona.cli.output import AsJson, say, say_json
from persona.cli.session import opened

if TYPE_CHECKING:
    from persona.bootstrap import Persona


def morning(context: typer.Context, as_json: AsJson = False) -> None:
    """Say how the last night went: learnt or refused, why, before and after, and what it cost."""
    from persona.answers.morning import morning as answer

    with opened(context) as persona:
        found = answer(persona)
    if as_json:
        say_json(found)
        return
    for line in found["note"]:
        say(line)


def write_page(persona: Persona, ref: str | None, file: Path) -> None:
    """The page about a night at `file`, private, replacing what is there. It loads nothing from anywhere."""
    from adapters.durable import write_file
    from persona.answers.morning import morning_of
    from persona.morning.page import page

    write_file(file.absolute(), page(morning_of(persona, ref)).encode())
