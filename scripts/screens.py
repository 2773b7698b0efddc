"""Draw the main screens of the terminal chat as SVG files: `scripts/run scripts/screens.py DOCS_FOLDER`.

Everything shown comes through the daemon's own application from a home that is made for it; only the engines
speak from a script.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual.pilot import Pilot

from persona.tui.app import PersonaApp, Wishes
from persona.tui.daemon import Address
from scripts.screens.house import furnish, served

Scene = Callable[[PersonaApp, Pilot[None]], Awaitable[None]]
WIDE, NARROW = (110, 34), (60, 30)


async def greeting(app: PersonaApp, pilot: Pilot[None]) -> None:
    await pilot.pause(0.3)


async def talking(app: PersonaApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, "A function that lists the largest files in a folder?")
    await _ask(app, pilot, "What is the weather in Bergen?")
    await _ask(app, pilot, "When does the hardware shop close on Saturdays?")
    await pilot.press("f2", "1")
    await pilot.pause(0.4)


async def commands(app: PersonaApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, "When does the hardware shop close on Saturdays?")
    await pilot.press("/", "p")
    await pilot.pause(0.3)


async def better(app: PersonaApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, "When does the hardware shop close on Saturdays?")
    await pilot.press("f4")
    await pilot.pause(0.3)


async def not_good(app: PersonaApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, "When does the hardware shop close on Saturdays?")
    await pilot.press("f3")
    await pilot.pause(0.3)


async def blind(app: PersonaApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, "When does the hardware shop close on Saturdays?")
    await pilot.press("f6")
    await pilot.pause(1.5)
    await pilot.press("a")
    await pilot.pause(0.3)


async def tonight(app: PersonaApp, pilot: Pilot[None]) -> None:
    await pilot.press("f7")
    await pilot.pause(0.7)
    await pilot.press("enter")
    await pilot.pause(0.5)


async def morning(app: PersonaApp, pilot: Pilot[None]) -> None:
    app.chat.do("morning")
    await pilot.pause(0.8)


async def revisions(app: PersonaApp, pilot: Pilot[None]) -> None:
    await pilot.press("f8")
    await pilot.pause(0.9)


async def rollback(app: PersonaApp, pilot: Pilot[None]) -> None:
    await pilot.press("f10")
    await pilot.pause(0.8)


async def conversations(app: PersonaApp, pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+o")
    await pilot.pause(0.6)


async def search(app: PersonaApp, pilot: Pilot[None]) -> None:
    app.chat.do("search", "train")
    await pilot.pause(1)


async def help_screen(app: PersonaApp, pilot: Pilot[None]) -> None:
    await pilot.press("f1")
    await pilot.pause(0.5)


async def away(app: PersonaApp, pilot: Pilot[None]) -> None:
    await _ask(app, pilot, "When does the hardware shop close on Saturdays?")
    app.link._see(state="away", says="looking for the daemon")
    app.chat.prompt.put("What I write meanwhile stays.")
    await pilot.pause(0.2)


async def _ask(app: PersonaApp, pilot: Pilot[None], text: str) -> None:
    app.chat.prompt.put(text)
    await pilot.press("enter")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        await pilot.pause(0.05)
        last = app.chat.thread.last
        if last and last.question == text and last.answer and app.chat.speaking is None:
            return


SCENES: dict[str, tuple[Scene, tuple[int, int], str]] = {
    "greeting": (greeting, WIDE, "persona"),
    "talking": (talking, WIDE, "persona"),
    "commands": (commands, WIDE, "persona"),
    "better": (better, WIDE, "persona"),
    "not_good": (not_good, WIDE, "persona"),
    "blind": (blind, WIDE, "persona"),
    "tonight": (tonight, WIDE, "persona"),
    "morning": (morning, WIDE, "persona"),
    "revisions": (revisions, WIDE, "persona"),
    "rollback": (rollback, WIDE, "persona"),
    "conversations": (conversations, WIDE, "persona"),
    "search": (search, WIDE, "persona"),
    "help": (help_screen, WIDE, "persona"),
    "away": (away, WIDE, "persona"),
    "narrow": (talking, NARROW, "persona"),
    "narrow_revisions": (revisions, NARROW, "persona"),
    "light": (talking, WIDE, "persona-light"),
    "ansi": (talking, WIDE, "ansi-dark"),
}


async def draw(name: str, address: Address, to: Path) -> None:
    scene, size, theme = SCENES[name]
    app = PersonaApp(lambda: address, wishes=Wishes(theme=theme))
    async with app.run_test(size=size) as pilot:
        while app.link.seen.state != "ready":
            await pilot.pause(0.02)
        await pilot.pause(0.2)
        await scene(app, pilot)
        (to / f"{name}.svg").write_text(app.export_screenshot(title="persona chat"))


def main(arguments: list[str]) -> int:
    to = Path(arguments[0] if arguments else "screens")
    to.mkdir(parents=True, exist_ok=True)
    wanted = arguments[1:] or list(SCENES)
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            furnish(Path(folder) / "home")
            with served(Path(folder) / "home") as address:
                asyncio.run(draw(name, address, to))
        print(to / f"{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
