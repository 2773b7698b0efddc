"""Keys are done in the order in which they were typed, however busy the chat is."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from tui_parts import Lodging, Talk

from persona.tui.screens.help import HelpScreen
from persona.tui.screens.learned import Learned
from persona.tui.widgets.turns import AnswerView

pytestmark = pytest.mark.anyio


async def settle(talk: Talk) -> None:
    """Until everything that waits in a queue was looked at."""
    for _ in range(5):
        await talk.pilot.pause()


async def test_a_key_is_not_lost_with_a_window_that_closes(lodging: Lodging) -> None:
    """F7 right behind the Esc that closes the help opens what F7 opens."""
    async with lodging.chat() as talk:
        await talk.pilot.press("f1")
        await talk.until(lambda: isinstance(talk.app.screen, HelpScreen))
        talk.press_at_once("escape", "f7")
        await talk.until(lambda: isinstance(talk.app.screen, Learned))


async def test_a_key_closes_no_window_that_came_after_it(lodging: Lodging) -> None:
    """The Esc that leaves an answer is for the answer, and not for what F7 opens behind it."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("ctrl+up")
        await talk.until(lambda: isinstance(talk.app.focused, AnswerView))
        talk.press_at_once("escape", "f7")
        await talk.until(lambda: isinstance(talk.app.screen, Learned))
        await settle(talk)
        assert isinstance(talk.app.screen, Learned)
        assert talk.screen.focused is talk.screen.prompt


async def test_what_is_written_behind_enter_stays(lodging: Lodging) -> None:
    """It is no part of what was sent, and not lost with it."""
    async with lodging.chat() as talk:
        talk.press_at_once(*"one", "enter", *"two")
        await talk.until(lambda: talk.last is not None and talk.screen.speaking is None)
        assert ("one", "two") == (talk.screen.thread.last.question, talk.screen.prompt.text)


async def test_what_is_pasted_has_its_place_among_keys(lodging: Lodging) -> None:
    """Behind what was typed before it, before what is typed behind it."""
    async with lodging.chat() as talk:
        talk.press_at_once(*"ab")
        pasted = events.Paste("-pasted-")
        pasted.set_sender(talk.app)
        assert talk.app._driver is not None
        talk.app._driver.send_message(pasted)
        talk.press_at_once(*"cd")
        await talk.until(lambda: len(talk.screen.prompt.text) == 12)
        assert "ab-pasted-cd" == talk.screen.prompt.text


async def test_a_busy_widget_does_not_take_the_keyboard(lodging: Lodging) -> None:
    """A key that does not get through holds up the others for a moment only."""
    async with lodging.chat() as talk:
        free = asyncio.Event()
        talk.screen.prompt.call_later(free.wait)
        talk.press_at_once("x", "f1")
        async with asyncio.timeout(30):
            while not isinstance(talk.app.screen, HelpScreen):
                await asyncio.sleep(0.05)
        free.set()
        await talk.until(lambda: talk.screen.prompt.text == "x")


async def test_a_letter_that_an_answer_has_no_use_for_begins_a_text(lodging: Lodging) -> None:
    """Who has gone to an answer and writes is not taken for one who regenerates and edits it."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("ctrl+up")
        await talk.until(lambda: isinstance(talk.app.focused, AnswerView))
        talk.press_at_once(*"Are you there?")
        await talk.until(lambda: len(talk.screen.prompt.text) == len("Are you there?"))
        assert "Are you there?" == talk.screen.prompt.text
        assert (1, []) == (len(talk.screen.thread.turns[0].answers), talk.last.votes)
