"""Draw the main screens of the terminal chat, each as SVG and PNG:
`.venv/bin/python scripts/screens.py FOLDER [SCENE...]`.

Everything shown comes through the daemon's own application from a home that is made for it; only the engines
speak from a script.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from textual.pilot import Pilot
from textual.strip import Strip

from persona.tui.app import PersonaApp, Wishes
from scripts.screens.house import furnish
from scripts.screens.picture import draw as draw_picture
from scripts.screens.served import Served


@dataclass(frozen=True, kw_only=True)
class Hand:
    """What a scene works with: keys, and the daemon's end."""

    app: PersonaApp
    pilot: Pilot[None]
    house: Served

    async def shows(self, text: str) -> None:
        """Wait until the terminal shows this, and a little for what comes with it."""
        deadline = time.monotonic() + 20
        while text not in "".join(segment.text for strip in _strips(self.app) for segment in strip):
            assert time.monotonic() < deadline, f"{text!r} did not show"
            await self.pilot.pause(0.05)
        await self.pilot.pause(0.3)


def _strips(app: PersonaApp) -> list[Strip]:
    return app.screen._compositor.render_strips()  # noqa: SLF001  # the toolkit's own screenshot does so


Scene = Callable[[Hand], Awaitable[None]]
WIDE, NARROW = (110, 34), (60, 30)


async def greeting(hand: Hand) -> None:
    await hand.shows("Last night")


async def talking(hand: Hand) -> None:
    await _ask(hand, "A function that lists the largest files in a folder?")
    await _ask(hand, "What is the weather in Bergen?")
    await _ask(hand, "When does the hardware shop close on Saturdays?")
    await hand.pilot.press("f2")
    await hand.shows("good, because")
    await hand.pilot.press("1")
    await hand.shows("noted")


async def commands(hand: Hand) -> None:
    await _ask(hand, "When does the hardware shop close on Saturdays?")
    await hand.pilot.press("/", "p")
    await hand.pilot.pause(0.3)


async def better(hand: Hand) -> None:
    await _ask(hand, "When does the hardware shop close on Saturdays?")
    await hand.pilot.press("f4")
    await hand.shows("the better answer")


async def not_good(hand: Hand) -> None:
    await _ask(hand, "When does the hardware shop close on Saturdays?")
    await hand.pilot.press("f3")
    await hand.shows("not good, because")


async def blind(hand: Hand) -> None:
    await _ask(hand, "When does the hardware shop close on Saturdays?")
    await hand.pilot.press("f6")
    await hand.shows("which one?")
    await hand.pilot.press("a")
    await hand.shows("you took")


async def tonight(hand: Hand) -> None:
    await hand.pilot.press("f7")
    await hand.shows("metric units")
    await hand.pilot.press("enter")
    await hand.shows("sure")


async def morning(hand: Hand) -> None:
    hand.app.chat.do("morning")
    await hand.shows("before and after")


async def revisions(hand: Hand) -> None:
    await hand.pilot.press("f8")
    await hand.shows("in use")
    await hand.pilot.pause(0.5)  # the report of the revision follows the list


async def rollback(hand: Hand) -> None:
    await hand.pilot.press("f10")
    await hand.shows("Nothing is deleted")


async def conversations(hand: Hand) -> None:
    await hand.pilot.press("ctrl+o")
    await hand.shows("mutex")


async def search(hand: Hand) -> None:
    hand.app.chat.do("search", "train")
    await hand.shows("Oslo")


async def help_screen(hand: Hand) -> None:
    await hand.pilot.press("f1")
    await hand.shows("Writing")


async def away(hand: Hand) -> None:
    await _ask(hand, "When does the hardware shop close on Saturdays?")
    await asyncio.to_thread(hand.house.stop)
    hand.app.chat.prompt.put("What I write meanwhile stays.")
    await hand.pilot.pause(0.8)


async def _ask(hand: Hand, text: str) -> None:
    hand.app.chat.prompt.put(text)
    await hand.pilot.press("enter")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        await hand.pilot.pause(0.05)
        last = hand.app.chat.thread.last
        if last and last.question == text and last.answer and hand.app.chat.speaking is None:
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


async def draw(name: str, house: Served, to: Path) -> None:
    scene, size, theme = SCENES[name]
    app = PersonaApp(house.find, wishes=Wishes(theme=theme))
    async with app.run_test(size=size) as pilot:
        while app.link.seen.state != "ready":
            await pilot.pause(0.02)
        await pilot.pause(0.2)
        await scene(Hand(app=app, pilot=pilot, house=house))
        (to / f"{name}.svg").write_text(app.export_screenshot(title="persona chat"))
        draw_picture(_strips(app), app.ansi_theme, title="persona chat", to=to / f"{name}.png")


def main(arguments: list[str]) -> int:
    to = Path(arguments[0] if arguments else "screens")
    to.mkdir(parents=True, exist_ok=True)
    wanted = arguments[1:] or list(SCENES)
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            furnish(Path(folder) / "home")
            house = Served(Path(folder) / "home")
            try:
                asyncio.run(draw(name, house, to))
            finally:
                house.close()
        print(to / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
