"""Where text is written: foreign text does nothing there, and what was typed outlives an act that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, TextArea
from tui_parts import Lodging

from persona.tui.errors import Trouble
from persona.tui.link import Link, Seen
from persona.tui.screens.asking import AskLine, WriteBetter

pytestmark = pytest.mark.anyio

HOSTILE = "one\x1b[2Jtwo \u202ethree\x9b31m \ud800"
SHOWN = "one\\x1b[2Jtwo \\u202ethree\\x9b31m \\ud800"


async def test_foreign_text_that_is_changed_cannot_act(lodging: Lodging) -> None:
    """An answer that is written better, a draft of it, and a line that is changed: shown as text."""
    async with lodging.chat() as talk:
        for screen in (WriteBetter("better", HOSTILE), WriteBetter("better", "", draft=HOSTILE)):
            talk.app.push_screen(screen)
            await talk.shows(SHOWN)
            assert SHOWN == screen.query_one(TextArea).text
            talk.app.pop_screen()
        line = AskLine("in other words", value=HOSTILE)
        talk.app.push_screen(line)
        await talk.shows(SHOWN)
        assert SHOWN == line.query_one(Input).value


async def test_foreign_text_that_is_pasted_cannot_act(lodging: Lodging) -> None:
    """In the prompt too."""
    async with lodging.chat() as talk:
        pasted = events.Paste(HOSTILE)
        pasted.set_sender(talk.app)
        assert talk.app._driver is not None
        talk.app._driver.send_message(pasted)
        await talk.until(lambda: talk.screen.prompt.text == SHOWN)


async def test_a_command_that_fails_is_not_lost(lodging: Lodging) -> None:
    """What was written behind it is back in the prompt, in incognito too, before what was written since."""
    async with lodging.chat() as talk:
        await talk.say("/incognito")
        await talk.shows("nothing is remembered")
        await talk.ask("a")
        await talk.say("/better Say it in three words.")
        await talk.shows("cannot be judged")
        assert "/better Say it in three words." == talk.screen.prompt.text


async def test_a_blind_vote_waits_for_an_answer(lodging: Lodging) -> None:
    """The question of an answer that is still coming stays in the conversation."""
    lodging.stage.seconds_a_word = 0.03
    lodging.stage.reply = lambda *_: " ".join(f"word{n}" for n in range(100))
    async with lodging.chat() as talk:
        await talk.say("go on and on")
        await talk.shows("word3")
        await talk.say("/ab And this?")
        await talk.shows("the answer is still coming")
        assert "/ab And this?" == talk.screen.prompt.text
        assert ["go on and on"] == [turn.question for turn in talk.screen.thread.path()]
        await talk.pilot.press("escape")
        await talk.until(lambda: talk.screen.speaking is None)


async def test_an_answer_is_saved_whatever_is_in_it(lodging: Lodging, tmp_path: Path) -> None:
    """Also what UTF-8 cannot spell; a home that nobody has is said."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        talk.last.better = HOSTILE
        await talk.say(f"/save {tmp_path / 'answer.md'}")
        await talk.shows("written to")
        assert "one\x1b[2Jtwo \u202ethree\x9b31m ?\n" == (tmp_path / "answer.md").read_text()
        await talk.say("/save ~nobody-by-this-name/answer.md")
        await talk.until(lambda: talk.notice.startswith("✕ ~nobody-by-this-name"))


async def test_a_token_that_is_not_there_is_waited_for() -> None:
    """The chat says that the daemon is away, and looks again."""
    seen: list[Seen] = []

    def find() -> None:
        raise FileNotFoundError("no token")

    link = Link(find, None, seen.append)
    with pytest.raises(Trouble, match="the daemon is away"):
        await link._reach()
