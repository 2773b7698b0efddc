"""Teaching in the terminal: every act reaches the store as what it is."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Static
from tui_parts import Lodging, Talk

from persona.tui.screens.asking import AskLine, Sure, WriteBetter
from persona.tui.screens.side_by_side import SideBySide
from store.records import Feedback

pytestmark = pytest.mark.anyio


def acts(lodging: Lodging) -> list[Feedback]:
    with lodging.store() as store:
        return store.feedback.all()


async def shows_screen(talk: Talk, kind: type[Any]) -> Any:
    await talk.until(lambda: isinstance(talk.app.screen, kind))
    await talk.pilot.pause()
    return talk.app.screen


@pytest.mark.parametrize(
    ("keys", "kind", "reason"),
    [
        (("f2", "1"), "up", "right to the point"),
        (("f3", "1"), "down", "too long"),
        (("f3", *"odd", "enter"), "down", "odd"),
        (("f2", "enter"), "up", ""),
    ],
)
async def test_votes(lodging: Lodging, keys: tuple[str, ...], kind: str, reason: str) -> None:
    """One key and one for the reason, or words, or none."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press(keys[0])
        await shows_screen(talk, AskLine)
        await talk.pilot.press(*keys[1:])
        await talk.until(lambda: acts(lodging))
        (act,) = acts(lodging)
        assert (kind, reason, talk.last.interaction) == (act.kind, act.reason, act.interaction)
        await talk.shows("good")


async def test_a_vote_can_be_left(lodging: Lodging) -> None:
    """Esc keeps nothing."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("f3")
        await shows_screen(talk, AskLine)
        await talk.pilot.press("escape")
        await talk.until(lambda: talk.app.screen is talk.screen)
        assert [] == acts(lodging)


async def test_the_better_answer(lodging: Lodging) -> None:
    """F4 opens the answer; the change is an edit, and the conversation goes on from it. What is left in the
    middle is there the next time."""
    lodging.stage.reply = lambda *_: "Good day"
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("f4")
        await shows_screen(talk, WriteBetter)
        await talk.pilot.press(*" Sir", "escape")
        await talk.until(lambda: talk.app.screen is talk.screen)
        assert [] == acts(lodging)
        await talk.pilot.press("f4")
        await shows_screen(talk, WriteBetter)
        await talk.pilot.press("!", "ctrl+s")
        await talk.until(lambda: acts(lodging))
        (act,) = acts(lodging)
        assert ("edit", "Good day Sir!") == (act.kind, act.content)
        await talk.shows("Good day Sir!")
        await talk.ask("b")
        with lodging.store() as store:
            last = list(store.interactions.all())[-1]
        assert "Good day Sir!" == last.prompt[1].content


async def test_keys_do_not_overtake_letters(lodging: Lodging) -> None:
    """What is typed quickly before Ctrl+S is in the better answer, to its last letter."""
    lodging.stage.reply = lambda *_: "Good day"
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("f4")
        await shows_screen(talk, WriteBetter)
        talk.press_at_once(*"-and-a-fine-evening-too", "ctrl+s")
        await talk.until(lambda: acts(lodging))
        assert ["Good day-and-a-fine-evening-too"] == [act.content for act in acts(lodging)]


async def test_pick(lodging: Lodging) -> None:
    """A second answer is made and shown beside the first; the letter takes one over the other."""
    number = iter("123")
    lodging.stage.reply = lambda *_: f"answer {next(number)}"
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.say("/pick")
        await shows_screen(talk, SideBySide)
        await talk.shows("answer 2")
        await talk.shows("which one?")
        await talk.pilot.press("b", "enter")
        await talk.until(lambda: acts(lodging))
        (act,) = acts(lodging)
        assert ("pick", ("answer 1",)) == (act.kind, act.over)
        assert ("answer 2", act.interaction) == (talk.last.text, talk.last.interaction)


async def test_the_blind_vote(lodging: Lodging) -> None:
    """Base, the champion before and the one now; no name shows before the vote, which is a pick. None is
    drawn by chance."""
    async with lodging.chat() as talk:
        lodging.stage.reply = lambda revision, _: (
            "words of " + ("none" if revision == "r0" else revision[-4:])
        )
        await talk.say("/ab which?")
        screen = await shows_screen(talk, SideBySide)
        await talk.shows("which one?")
        heads = [str(side.query_one(".by", Static).content) for side in screen._sides]
        assert ["A", "B", "C"] == [head.strip() for head in heads]
        letter = next(side._letter for side in screen._sides if side.answer.model == "r1")
        await talk.pilot.press(letter.lower())
        await talk.shows("you took r1")
        await talk.pilot.press("enter")
        await talk.until(lambda: acts(lodging))
        (act,) = acts(lodging)
        assert 2 == len(act.over)
        assert "r1" == talk.last.model
        assert {0} == {sampling.temperature for e in lodging.stage.opened for _, sampling in e.asked}
        with lodging.store() as store:
            assert 3 == store.interactions.count()


async def test_what_is_learned_tonight_can_be_taken_out(lodging: Lodging) -> None:
    """A stated preference shows, with what it rests on, and x retires it; an act goes with its exchange."""
    async with lodging.chat() as talk:
        await talk.prefer("Answer in at most two sentences.")
        await talk.ask("a")
        await talk.say("/down wordy")
        await talk.until(lambda: len(acts(lodging)) == 2)
        await talk.pilot.press("f7")
        await talk.shows("Answer in at most two sentences.")
        await talk.shows("wordy")
        await talk.pilot.press("enter")
        await talk.shows("sure")
        await talk.pilot.press("x")
        await shows_screen(talk, Sure)
        await talk.pilot.press("y")
        await talk.until(lambda: "Answer in at most two" not in talk.text() and "wordy" in talk.text())
        await talk.pilot.press("x")
        await shows_screen(talk, Sure)
        await talk.pilot.press("y")
        await talk.shows("Nothing new yet")
        with lodging.store() as store:
            assert ([], 0) == (store.ledger.active(), store.interactions.count())


async def test_a_preference_that_contradicts_another_is_asked_about(lodging: Lodging) -> None:
    """What goes to and fro is not said to act."""
    async with lodging.chat() as talk:
        await talk.prefer("Use metric units.")
        await talk.prefer("Use imperial units.")
        await talk.say("/prefer Use metric units.")
        await talk.shows("speaks against what you said")
        with lodging.store() as store:
            assert "contested" in {entry.status for entry in store.ledger.all()}


async def test_a_preference_is_said_otherwise_and_pinned(lodging: Lodging) -> None:
    """p pins it, e opens it on a line, and what is written there takes its place."""
    async with lodging.chat() as talk:
        await talk.prefer("Answer in at most two sentences.")
        await talk.say("/preferences")
        await talk.shows("Answer in at most two sentences.")
        await talk.pilot.press("p")
        await talk.shows("you said so, pinned")
        await talk.pilot.press("e")
        screen = await shows_screen(talk, AskLine)
        screen.query_one("Input").value = "Answer in at most three sentences."
        await talk.pilot.press("enter")
        await talk.shows("at most three sentences")
        with lodging.store() as store:
            assert ["Answer in at most three sentences."] == [e.statement for e in store.ledger.active()]


async def test_what_stands_behind_an_answer(lodging: Lodging) -> None:
    """/why names who answered and the preferences that it was told."""
    async with lodging.chat() as talk:
        await talk.prefer("Answer in at most two sentences.")
        await talk.ask("a")
        await talk.say("/why")
        await talk.shows("It was given by r2")
        await talk.shows("at most two sentences. · ✓ kept")


async def test_an_act_may_end_after_the_chat(lodging: Lodging) -> None:
    """What was wished for is kept, and nothing breaks because its notice is gone already."""
    async with lodging.chat() as talk:
        await talk.screen.notice.remove()  # as it is while the chat is taken down
        talk.screen.do("prefer", "Answer in at most two sentences.")
        await talk.until(lambda: not any(worker.group == "acts" for worker in talk.app.workers))
        with lodging.store() as store:
            assert ["Answer in at most two sentences."] == [e.statement for e in store.ledger.active()]
