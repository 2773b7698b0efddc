"""The terminal chat put together: where the daemon is, what the user wishes, and how it is shown."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from persona.cli.toolbox import check_tools
from persona.daemon.place import find_daemon
from persona.daemon.starting import StartedDaemon
from persona.errors import BadInput, NotInstalled
from persona.paths import make_private

if TYPE_CHECKING:
    from pathlib import Path

    from persona.bootstrap import Persona
    from persona.daemon.place import Place
    from persona.tui.daemon import Address

_BASE = ("r0", "base")


def talk(
    persona: Persona,
    *,
    held: str,
    resume: str,
    max_tokens: int | None,
    temperature: float | None,
    inline: bool,
    web: bool,
) -> None:
    """Until the user leaves. BadInput when the home is not ready, NotInstalled."""
    try:
        from persona.tui.app import PersonaApp, Wishes
        from persona.tui.daemon import Address
        from persona.tui.keys import Keys
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    check_tools(persona.settings.chat.tools)
    if web:
        wished = {"resume": resume or None, "max-tokens": max_tokens, "temperature": temperature}
        _in_a_browser(
            persona,
            ["--revision", held] + [f"--{name}={wish}" for name, wish in wished.items() if wish is not None],
        )
        return
    persona.base  # noqa: B018  # says what to do when the home is not ready
    home, settings = persona.home, persona.settings.chat
    try:
        keys = Keys(chosen=settings.keys)
    except ValueError as error:
        raise BadInput(f"[chat.keys] in {home.config}: {error}") from None
    started = StartedDaemon(home, {**os.environ, **persona.environ})

    def address(place: Place) -> Address:
        return Address(url=place.url, token=home.token.read_text().strip())

    def find() -> Address | None:
        place = find_daemon(home)
        return None if place is None else address(place)

    app = PersonaApp(
        find,
        start=lambda: address(started.start()),
        notes=_notes(persona),
        wishes=Wishes(
            held="" if held == "champion" else "persona:base" if held in _BASE else f"persona:{held}",
            resume=resume,
            max_tokens=max_tokens or settings.max_tokens,
            temperature=settings.temperature if temperature is None else temperature,
            theme=settings.theme or "",
            keys=keys,
            tools=settings.tools,
        ),
    )
    try:
        app.run(inline=inline, inline_no_clear=inline, mouse=settings.mouse)
    finally:
        if not settings.keep_daemon:
            started.end()


def _notes(persona: Persona) -> Path:
    make_private(persona.paths.folder)
    return persona.paths.notes


def _in_a_browser(persona: Persona, wishes: list[str]) -> None:
    try:
        from persona.tui.web import serve
    except ModuleNotFoundError as error:
        raise _missing(error, "web") from None
    os.environ["PERSONA_HOME"] = str(persona.home.root)  # the chats that it starts inherit it
    serve([sys.executable, "-m", "persona", "chat", *wishes])


def _missing(error: ModuleNotFoundError, extra: str = "") -> NotInstalled:
    return NotInstalled(str(error.name), extra, instead="`persona chat --plain` needs nothing")
