"""A handful of screens at fixed sizes, cell by cell, as they were looked at and found good.

    PERSONA_GOLDEN=write .venv/bin/python -m pytest tests/tui/test_tui_pictures.py

writes tests/tui/golden anew; look at what changed (a browser shows SVG) before it is committed. A picture
that differs is left beside the temporary files of pytest, and its name is said.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from daemon_parts import AT
from textual.widgets import Input, TextArea
from tui_parts import Lodging, Talk

from persona.tools import Server, Tool
from persona.tui.app import Wishes
from persona.tui.screens.allow import Allow
from store import Act, Conversation, Turn
from store.records import FeedbackKind, Message

pytestmark = pytest.mark.anyio

GOLDEN = Path(__file__).parent / "golden"
CODE = (
    "```python\ndef largest(folder):\n    return max(folder.iterdir(), key=size)\n```\n\n"
    "It looks at each *once*. See [the docs](https://example.org)."
)
SAID = (
    ("What should I cook with leeks?", "Leek soup:\n\n1. soften\n2. simmer\n3. blend", ("up", "good form")),
    ("Which file is the largest?", CODE, None),
    ("And the smallest?", "Use `min` in its place.", ("edit", "`min` instead of `max`.")),
)


def fill(lodging: Lodging) -> None:
    turns: list[Turn] = []
    for question, answer, act in SAID:
        turns.append(Turn(message=Message(role="user", content=question)))
        acts: tuple[Act, ...] = ()
        if act is not None:
            kind, text = FeedbackKind(act[0]), act[1]
            acts = (Act(kind=kind, content=text) if act[0] == "edit" else Act(kind=kind, reason=text),)
        turns.append(Turn(message=Message(role="assistant", content=answer), feedback=acts, revision="r0"))
    with lodging.store() as store:
        store.interactions.add_conversation(
            Conversation(id="c-1", at=AT, source="persona", turns=tuple(turns))
        )


async def greeting(talk: Talk) -> None:
    await talk.pilot.press("ctrl+n")
    await talk.shows("Good to see you")


async def talking(talk: Talk) -> None:
    await talk.pilot.press("ctrl+up")
    await talk.until(lambda: talk.app.focused is not talk.screen.prompt)


async def offers(talk: Talk) -> None:
    await talk.pilot.press("/", "p")
    await talk.shows("/prefer TEXT")


async def vote(talk: Talk) -> None:
    await talk.pilot.press("f3")
    await talk.shows("not good, because")


async def better(talk: Talk) -> None:
    await talk.pilot.press("f4")
    await talk.shows("the better answer")


async def a_call(talk: Talk) -> None:
    server = Server(name="notes", place="notes-server")
    says = "Add a line to the list of things to buy."
    tool = Tool(name="add_line", server=server, own="add_line", says=says, parameters={"type": "object"})
    screen = Allow(tool, {"text": "leeks", "list": "shopping"}, typed=talk.screen.prompt.insert)
    await talk.app.push_screen(screen)
    await talk.until(lambda: screen.listening)


WIDE, NARROW = (100, 32), (60, 24)
_AT_REST = 30  # pictures a tenth of a second apart that are all the same
SCENES = {
    "greeting": (greeting, WIDE, "persona"),
    "talking": (talking, WIDE, "persona"),
    "talking_light": (talking, WIDE, "persona-light"),
    "talking_narrow_ansi": (talking, NARROW, "ansi-dark"),
    "offers": (offers, NARROW, "persona"),
    "vote": (vote, NARROW, "persona"),
    "better": (better, WIDE, "persona"),
    "a_call": (a_call, WIDE, "persona"),
}


@pytest.mark.parametrize("name", SCENES)
async def test_it_looks_as_it_did(lodging: Lodging, name: str, tmp_path: Path) -> None:
    """Every cell and colour of it."""
    scene, size, theme = SCENES[name]
    fill(lodging)
    async with lodging.chat(size=size, wishes=Wishes(resume="c-1", theme=theme)) as talk:
        talk.app.animation_level = "none"
        talk.screen.prompt.cursor_blink = False
        await talk.shows("instead of")
        await scene(talk)
        for area in (*talk.app.screen.query(TextArea), *talk.app.screen.query(Input)):
            area.cursor_blink = False
        file = GOLDEN / f"{name}.svg"
        picture = await settled(talk, file.read_text() if file.exists() else "")
    if os.environ.get("PERSONA_GOLDEN") == "write":
        file.write_text(picture)
    now = tmp_path / f"{name}.svg"
    now.write_text(picture)
    assert file.read_text() == picture, f"{name} is not as it was: compare {file} with {now}"


async def settled(talk: Talk, wanted: str) -> str:
    """The picture, once it is the wanted one or no longer changes: a busy machine may not have drawn yet."""
    seen: list[str] = []
    while seen[-1:] != [wanted] and (len(seen) < _AT_REST or len(set(seen[-_AT_REST:])) > 1):
        await talk.pilot.pause(0.1)
        seen.append(re.sub(r"terminal-\d+", "terminal", talk.app.export_screenshot(title="persona")))
        assert len(seen) < 300, "it never came to rest"
    return seen[-1]
