"""Going back and seeing: revisions, the base, rollback, and what stands between this chat and the daemon."""

from __future__ import annotations

import pytest
from tui_parts import Lodging

from persona.tui.app import PersonaApp, Wishes
from persona.tui.keys import Keys
from persona.tui.screens.asking import Sure

pytestmark = pytest.mark.anyio


async def test_the_base_is_one_key_away(lodging: Lodging) -> None:
    """F9 talks to the base, F9 again to the champion."""
    async with lodging.chat() as talk:
        await talk.pilot.press("f9")
        await talk.shows("base held")
        await talk.ask("a")
        assert "base" == talk.last.model
        await talk.pilot.press("f9")
        await talk.ask("b")
        assert "r2" == talk.last.model


async def test_a_conversation_is_held_to_a_revision(lodging: Lodging) -> None:
    """/revision r1 answers until it is let go; what there is not is refused in place."""
    async with lodging.chat() as talk:
        await talk.say("/revision r1")
        await talk.shows("r1 held")
        await talk.ask("a")
        assert "r1" == talk.last.model
        await talk.say("/revision r9")
        await talk.shows("no revision r9")
        await talk.say("/revision champion")
        await talk.shows("the champion answers again")


async def test_two_keys_go_back(lodging: Lodging) -> None:
    """F10 shows what it would change, Enter does it; the chat follows, and the other chat would too."""
    async with lodging.chat() as talk:
        await talk.pilot.press("f10")
        await talk.shows("back from r2 to r1?")
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.app.link.seen.champion == "r1")
        await talk.ask("a")
        assert "r1" == talk.last.model


async def test_the_timeline(lodging: Lodging) -> None:
    """F8 lists every revision; from there the conversation is held to one, or it answers again."""
    async with lodging.chat() as talk:
        await talk.pilot.press("f8")
        await talk.shows("in use")
        await talk.pilot.press("down", "t")
        await talk.until(lambda: talk.screen.held == "persona:r1")
        await talk.pilot.press("f8")
        await talk.shows("in use")
        await talk.pilot.press("down", "enter")
        await talk.until(lambda: isinstance(talk.app.screen, Sure))
        await talk.pilot.press("escape")
        assert "r2" == talk.app.link.seen.champion


async def test_a_promotion_is_seen(lodging: Lodging) -> None:
    """What a night promotes answers next, and it is said."""
    async with lodging.chat() as talk:
        registry = lodging.house.registry()
        registry.rollback(reason="by somebody else")
        await talk.until(lambda: talk.app.link.seen.champion == "r1")
        await talk.shows("r1 answers from now on")


async def test_two_revisions_on_one_question(lodging: Lodging) -> None:
    """Side by side, and nothing of it is kept."""
    async with lodging.chat() as talk:
        await talk.say("/compare r1 base which?")
        await talk.shows("r1 and base")
        await talk.shows("Esc closes")
        assert 2 == talk.text().count("says: which?")
        await talk.pilot.press("escape")
        with lodging.store() as store:
            assert 0 == store.interactions.count()


async def test_a_daemon_that_is_away(lodging: Lodging) -> None:
    """It is said, a question stays in the prompt, and it goes on by itself when the daemon is back."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        lodging.stop()
        await talk.shows("away")
        await talk.say("are you there?")
        await talk.until(lambda: talk.screen.prompt.text == "are you there?")
        assert "are you there?" not in [turn.question for turn in talk.screen.thread.path()]
        lodging.start()
        await talk.shows("ready")
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.last is not None and talk.last.text.endswith("are you there?"))


async def test_a_daemon_is_started_once(lodging: Lodging) -> None:
    """If none runs, it is started; why that did not work is said where the user looks."""
    app = PersonaApp(lambda: None, start=lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    async with app.run_test() as pilot:
        for _ in range(1000):
            await pilot.pause(0.02)
            if app.link.seen.state == "away":
                break
        assert "no daemon could be started: division by zero" == app.link.seen.says
    app = PersonaApp(lambda: None, start=lambda: lodging.find())  # type: ignore[arg-type, return-value]
    async with app.run_test() as pilot:
        for _ in range(1000):
            await pilot.pause(0.02)
            if app.link.seen.state == "ready":
                break
        assert "r2" == app.link.seen.champion


@pytest.mark.parametrize(
    ("key", "says"), [("", "Writing"), ("f2", "One line"), ("f8", "Revisions"), ("ctrl+f", "Every word")]
)
async def test_help_fits_the_place(lodging: Lodging, key: str, says: str) -> None:
    """F1 explains what is in front, also a window; F1 again closes it."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        if key:
            await talk.pilot.press(key)
            await talk.until(lambda: talk.app.screen is not talk.screen)
        before = talk.app.screen
        await talk.pilot.press("f1")
        await talk.until(lambda: talk.app.screen is not before)
        await talk.shows(says)
        await talk.pilot.press("f1")
        await talk.until(lambda: talk.app.screen is before)


async def test_every_screen_on_a_small_terminal(lodging: Lodging) -> None:
    """On 60 columns each screen opens by its key, fits, and closes with Esc."""
    async with lodging.chat(size=(60, 20)) as talk:
        await talk.ask("a")
        for key in ("f1", "f2", "f4", "f7", "f8", "f10", "ctrl+o", "ctrl+f", "ctrl+p"):
            await talk.pilot.press(key)
            await talk.until(lambda: talk.app.screen is not talk.screen)
            await talk.pilot.pause(0.05)
            assert all(len(line) <= 60 for line in talk.text().splitlines())
            await talk.pilot.press("escape")
            await talk.until(lambda: talk.app.screen is talk.screen)


async def test_keys_of_ones_own(lodging: Lodging) -> None:
    """A chosen key does it and the one before does not; what is said on the screen names the chosen one."""
    keys = Keys(chosen={"rollback": "ctrl+g", "send": "ctrl+s", "newline": "enter"})
    async with lodging.chat(wishes=Wishes(keys=keys)) as talk:
        await talk.shows("Ctrl+G back")
        await talk.pilot.press("f10")
        await talk.pilot.press("a", "enter", "b", "ctrl+s")
        await talk.until(lambda: talk.last is not None and talk.screen.speaking is None)
        assert "a\nb" == talk.screen.thread.turns[0].question
        await talk.pilot.press("ctrl+g")
        await talk.shows("back from r2 to r1?")


async def test_without_colours(lodging: Lodging, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured, and what a colour says is said in words too."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with lodging.chat() as talk:
        await talk.ask("a")
        assert talk.app.no_color
        assert "ready" in talk.text()
        await talk.say("/theme ansi-dark")
        await talk.until(lambda: talk.app.theme == "ansi-dark")
        assert "says: a" in talk.text()
