"""Talking in the terminal: asked, streamed, stopped, asked again, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemon_parts import AT
from tui_parts import Lodging

from persona.paths import Home
from persona.tui.app import Wishes
from persona.tui.screens.asking import WriteBetter
from persona.tui.screens.search import Search
from persona.tui.widgets.turns import AnswerView, QuestionView
from store import Conversation, Turn
from store.records import Message

pytestmark = pytest.mark.anyio


async def test_a_question_and_its_answer(lodging: Lodging) -> None:
    """Enter sends; the answer is streamed, kept, and names who gave it; the next one sees it."""
    async with lodging.chat() as talk:
        await talk.ask("hello")
        await talk.shows("says: hello")
        await talk.ask("and again")
        with lodging.store() as store:
            first, second = store.interactions.all()
        assert (talk.last.interaction, first.conversation) == (second.id, second.conversation)
        assert ["hello", first.completion.content, "and again"] == [m.content for m in second.prompt]
        assert "r2" == talk.last.model


async def test_the_prompt_grows_and_remembers(lodging: Lodging, tmp_path: Path) -> None:
    """Ctrl+J begins a line; Up brings back what was sent, Down what was being written."""
    async with lodging.chat(notes=tmp_path / "notes.db") as talk:
        await talk.pilot.press("a", "ctrl+j", "b")
        assert ("a\nb", 2) == (talk.screen.prompt.text, talk.screen.prompt.size.height)
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.last is not None)
        await talk.pilot.press("x", "up")
        assert "a\nb" == talk.screen.prompt.text
        await talk.pilot.press("down")
        assert "x" == talk.screen.prompt.text


async def test_drafts_survive(lodging: Lodging, tmp_path: Path) -> None:
    """What was written and not sent is there when the chat is opened again, also after it just ended."""
    async with lodging.chat(notes=tmp_path / "notes.db") as talk:
        await talk.pilot.press(*"half")
        await talk.until(lambda: talk.app.notebook.draft() == "half")
        await talk.pilot.press(*"more")
        await talk.until(lambda: talk.app.notebook.draft() == "halfmore")
    async with lodging.chat(notes=tmp_path / "notes.db") as talk:
        await talk.until(lambda: talk.screen.prompt.text == "halfmore")


async def test_a_draft_is_whole(lodging: Lodging, tmp_path: Path) -> None:
    """Also when the chat is left with the last letters still on their way."""
    async with lodging.chat(notes=tmp_path / "notes.db") as talk:
        talk.press_at_once(*"half-a-thought-more-than-half", "ctrl+q")
        await talk.until(lambda: not talk.app.is_running)
    assert "half-a-thought-more-than-half" == talk.app.notebook.draft()


async def test_esc_keeps_the_part(lodging: Lodging) -> None:
    """Esc ends the answer; what was said stays, in the store too, and can be judged."""
    lodging.stage.seconds_a_word = 0.03
    lodging.stage.reply = lambda *_: " ".join(f"word{n}" for n in range(400))
    async with lodging.chat(wishes=Wishes(held="persona:r1")) as talk:
        await talk.say("go on and on")
        await talk.shows("word3")
        await talk.pilot.press("escape")
        await talk.until(lambda: talk.screen.speaking is None and talk.last is not None)
        with lodging.store() as store:
            (kept,) = store.interactions.all()
        assert talk.last.cut
        assert (kept.id, kept.completion.content) == (talk.last.interaction, talk.last.text)
        assert "word399" not in talk.last.text


async def test_another_answer(lodging: Lodging) -> None:
    """F5 asks again, warmer; both answers stay and can be gone between."""
    number = iter("123")
    lodging.stage.reply = lambda *_: f"answer {next(number)}"
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("f5")
        await talk.until(lambda: len(talk.screen.thread.turns[0].answers) == 2 and not talk.screen.speaking)
        await talk.shows("2 of 2")
        await talk.pilot.press("ctrl+up", "left")
        await talk.shows("answer 1")
        assert isinstance(talk.app.focused, AnswerView)
        warm = [asked[1].temperature for engine in lodging.stage.opened for asked in engine.asked]
        assert warm[-1] > 0


async def test_an_earlier_question_is_asked_otherwise(lodging: Lodging) -> None:
    """Enter on a question opens it; the changed one is a branch, and the old one is one key away."""
    async with lodging.chat() as talk:
        await talk.ask("first")
        await talk.ask("what followed")
        await talk.pilot.press("ctrl+up", "up", "up", "up", "enter")
        await talk.until(lambda: isinstance(talk.app.screen, WriteBetter))
        await talk.pilot.press(*" changed", "ctrl+s")
        await talk.until(lambda: talk.last is not None and talk.last.text.endswith("first changed"))
        await talk.until(lambda: talk.screen.speaking is None)
        assert "what followed" not in talk.text()
        with lodging.store() as store:
            assert 3 == store.interactions.count()
        await talk.pilot.press("ctrl+up", "up", "left")
        await talk.shows("what followed")


async def test_a_conversation_is_gone_on_with(lodging: Lodging) -> None:
    """Ctrl+O lists them; the chosen one is as it was; the search finds its words."""
    async with lodging.chat() as talk:
        await talk.ask("about the garden")
        key = talk.screen.thread.id
        await talk.pilot.press("ctrl+n")
        await talk.ask("about the weather")
        await talk.pilot.press("ctrl+o")
        await talk.shows("about the garden")
        await talk.pilot.press(*"garden", "enter")
        await talk.until(lambda: talk.screen.thread.id == key)
        await talk.shows("says: about the garden")
        await talk.say("/search weather")
        await talk.shows("search all")
        await talk.until(lambda: "about the weather" in talk.text())
        await talk.pilot.press("end", "x")
        await talk.shows("nothing has all of these words")
        await talk.pilot.press("backspace")
        await talk.until(lambda: "about the weather" in talk.text())
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.screen.thread.id != key)
        assert "about the weather" == talk.screen.thread.turns[0].question


async def test_a_conversation_is_renamed_and_forgotten(lodging: Lodging) -> None:
    """/rename shows at the top; /delete takes it out of the store after a look, and out of what this client
    noted: its prompts, and what was half written in place of an answer."""
    async with lodging.chat(notes=Home(lodging.house.root).identity("me").notes) as talk:
        await talk.ask("no secret")
        await talk.pilot.press("ctrl+n")
        await talk.ask("a secret")
        half = f"better:{talk.last.interaction}"
        talk.app.notebook.keep_draft("half a thought", half)
        await talk.say("/rename Plans")
        await talk.shows("Plans")
        await talk.say("/delete")
        await talk.shows("forget this conversation?")
        await talk.pilot.press("y")
        await talk.until(lambda: not talk.screen.thread.turns)
        with lodging.store() as store:
            assert 1 == store.interactions.count()
        await talk.shows("forgotten")
        assert ["/delete", "no secret"] == talk.screen.prompt.earlier
        assert "" == talk.app.notebook.draft(half)


async def test_incognito_keeps_nothing(lodging: Lodging, tmp_path: Path) -> None:
    """Neither the store nor this client's own notes have it, and it cannot be judged."""
    async with lodging.chat(notes=tmp_path / "notes.db") as talk:
        await talk.say("/incognito")
        await talk.shows("incognito")
        await talk.ask("a secret")
        await talk.pilot.press("f2")
        await talk.shows("cannot be judged: incognito")
        with lodging.store() as store:
            assert 0 == store.interactions.count()
        assert "a secret" not in talk.app.notebook.prompts()


async def test_copy_is_the_source(lodging: Lodging, monkeypatch: pytest.MonkeyPatch) -> None:
    """y copies the answer with its markup, c its code without the fence."""
    monkeypatch.setenv("SSH_CONNECTION", "x")  # no clipboard tools of this machine
    lodging.stage.reply = lambda *_: "**bold**\n\n```py\nx = 1\n```"
    async with lodging.chat() as talk:
        await talk.ask("a")
        await talk.pilot.press("ctrl+up", "y")
        await talk.until(lambda: talk.app.clipboard == "**bold**\n\n```py\nx = 1\n```")
        await talk.pilot.press("c")
        await talk.until(lambda: talk.app.clipboard == "x = 1")


async def test_calls_of_tools_are_shown_and_folded(lodging: Lodging) -> None:
    """One line each until they are opened."""
    lodging.stage.reply = lambda *_: (
        '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
    )
    async with lodging.chat() as talk:
        await talk.say("a")
        await talk.until(lambda: talk.last is not None and talk.last.said.calls)
        await talk.shows('get_weather({"city": "Oslo"})')
        before = talk.text().count("Oslo")
        await talk.pilot.press("ctrl+up", "enter")
        await talk.until(lambda: talk.text().count("Oslo") == before + 1)


async def test_a_long_conversation_opens_at_its_end(lodging: Lodging) -> None:
    """What is near is shown; the rest comes when it is gone to, by scrolling, by key, and by a search."""
    turns = tuple(
        Turn(message=Message(role=role, content=f"{word} {n}"))
        for n in range(200)
        for role, word in (("user", "asked"), ("assistant", "answered"))
    )
    with lodging.store() as store:
        store.interactions.add_conversation(Conversation(id="c-long", at=AT, source="persona", turns=turns))
    async with lodging.chat(wishes=Wishes(resume="c-long")) as talk:
        await talk.shows("answered 199")
        assert len(talk.screen.query(AnswerView)) < 100
        await talk.ask("and now?")
        assert 401 == len(lodging.stage.opened[-1].asked[-1][0].messages)

        first = talk.screen.query(QuestionView).first()
        before = int(first.turn.question.removeprefix("asked ")) - 1
        first.focus()
        await talk.pilot.press("up")
        await talk.until(lambda: talk.app.focused is not first)
        assert isinstance(talk.app.focused, AnswerView)
        assert f"answered {before}" == talk.app.focused.turn.answer.text

        shown = len(talk.screen.query(AnswerView))
        await talk.pilot.press(*["pageup"] * 12)
        await talk.until(lambda: len(talk.screen.query(AnswerView)) > shown)

        await talk.pilot.press("escape")
        await talk.say("/search asked 17")
        await talk.until(lambda: isinstance(talk.app.screen, Search))
        await talk.pilot.press("enter")
        await talk.until(lambda: talk.app.screen is talk.screen)
        await talk.shows("answered 17")
        await talk.until(lambda: "answered 17" == talk.app.focused.turn.answer.text)


async def test_what_is_shown_already_stays(lodging: Lodging) -> None:
    """A further question is added below; nothing above is drawn again."""
    async with lodging.chat() as talk:
        await talk.ask("a")
        first = talk.screen.query(AnswerView).first()
        await talk.ask("b")
        assert first is talk.screen.query(AnswerView).first()
        assert ["a", "b"] == [view.turn.question for view in talk.screen.query(QuestionView)]
