"""Tools of MCP servers: offered with the question, called as the user allows, their results answered."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tui_parts import Lodging, Talk

from persona.engine.protocol import Prompt
from persona.tools import Tools
from persona.tui.acts import calls as rounds
from persona.tui.app import Wishes
from persona.tui.screens import allow
from persona.tui.screens.allow import Allow, Offered
from persona.tui.widgets.turns import AnswerView
from store.records import Origin

pytestmark = pytest.mark.anyio

SERVER = Path(__file__).parents[1] / "samples" / "clock_server.py"
ALL = {"tell_time", "breaks", "goes_on", "waits"}


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """What the server was asked, a line each."""
    return tmp_path / "asked"


@pytest.fixture
def clock(asked: Path) -> str:
    asked.touch()
    return f"{sys.executable} {SERVER} {asked}"


def calls(*wanted: tuple[str, dict[str, str]]) -> str:
    return "".join(
        f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"
        for name, arguments in wanted
    )


def looks_up(*wanted: tuple[str, dict[str, str]]) -> Callable[[str, Prompt], str]:
    """Calls, then says what it was told."""

    def reply(_: str, prompt: Prompt) -> str:
        told = [message.content for message in prompt.messages if message.role == "tool"]
        last = prompt.messages[-1]
        return f"I was told {' and '.join(told[-len(wanted) :])}." if last.role == "tool" else calls(*wanted)

    return reply


OSLO = ("tell_time", {"zone": "Oslo"})


async def may(talk: Talk, key: str) -> None:
    """Answer the question that comes up."""
    await talk.until(lambda: isinstance(talk.app.screen, Allow) and talk.app.screen.listening)
    await talk.pilot.press(key)


async def done(talk: Talk, says: str) -> None:
    await talk.shows(says)
    await talk.until(lambda: talk.screen.speaking is None)


async def test_servers_are_asked(clock: str) -> None:
    """What each has is offered as it says, by a name of its own; what goes wrong in it is a result too."""
    dies = "sh -c 'echo no key >&2'"
    tools = Tools({"clock": clock, "other": clock, "none": "/no/such/command", "dies": dies})
    troubles = await tools.start()
    try:
        none, died = troubles
        assert none.startswith("tools of none: [Errno 2] No such file or directory")
        assert "tools of dies: no key" == died
        offered = {tool["function"]["name"]: tool["function"] for tool in tools.offered()}
        assert ALL | {f"other_{name}" for name in ALL} == set(offered)
        assert ["zone"] == offered["tell_time"]["parameters"]["required"]
        tell_time, others = tools.named("tell_time"), tools.named("other_tell_time")
        breaks, goes_on = tools.named("breaks"), tools.named("goes_on")
        assert tell_time and others and breaks and goes_on  # noqa: PT018
        assert ("clock", "other", "tell_time") == (tell_time.server.name, others.server.name, others.own)
        assert "12:00 in Oslo" == await tools.call(others, {"zone": "Oslo"})
        assert (await tools.call(breaks, {})).startswith("error: ")
        assert (await tools.call(tell_time, {})).startswith("error: ")
        assert (await tools.call(goes_on, {})).endswith("(30000 more characters were left out)")
    finally:
        await tools.close()
    assert (await tools.call(tell_time, {"zone": "Oslo"})).startswith("error: clock cannot be asked")


async def test_a_call_is_allowed_and_answered(lodging: Lodging, clock: str, asked: Path) -> None:
    """The call is shown first; its result is answered, and all of it is kept as what it is."""
    lodging.stage.reply = looks_up(OSLO)
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("What time is it?")
        await talk.shows("may clock do tell_time?")
        await talk.shows('"zone": "Oslo"')
        assert "" == asked.read_text()
        await may(talk, "y")
        await done(talk, "I was told 12:00 in Oslo.")
        assert "Oslo\n" == asked.read_text()
        with lodging.store() as store:
            first, second = store.interactions.all()
        assert ALL == {tool["function"]["name"] for tool in first.tools}
        assert ["user", "assistant", "tool"] == [message.role for message in second.prompt]
        assert (Origin.TOOL, "12:00 in Oslo") == (second.prompt[-1].origin, second.prompt[-1].content)
        assert first.completion.tool_calls[0].id == second.prompt[-1].tool_call_id

        await talk.say("And now?")  # once is once
        await may(talk, "y")
        await talk.until(lambda: asked.read_text() == "Oslo\nOslo\n")


async def test_always_is_for_this_chat(lodging: Lodging, clock: str) -> None:
    """After a, the same tool is not asked about again, another one is; /tools shows it, r takes it back."""
    lodging.stage.reply = looks_up(OSLO)
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("What time is it?")
        await may(talk, "a")
        await done(talk, "I was told 12:00 in Oslo.")
        lodging.stage.reply = looks_up(OSLO, ("breaks", {}))
        await talk.say("And what else?")
        await talk.shows("may clock do breaks?")
        await may(talk, "y")
        await done(talk, "I was told 12:00 in Oslo and error: ")
        await talk.say("/tools")
        await talk.until(lambda: isinstance(talk.app.screen, Offered))
        await talk.shows("tell_time  allowed in this chat")
        await talk.pilot.press("r")
        await talk.until(lambda: "allowed in this chat" not in talk.text())
        assert set() == talk.app.tools.allowed


async def test_a_call_is_not_allowed(lodging: Lodging, clock: str, asked: Path) -> None:
    """The model hears of a no; Esc stops there. Nothing is called."""
    lodging.stage.reply = looks_up(OSLO)
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("What time is it?")
        await may(talk, "n")
        await done(talk, "I was told error: the user did not allow this call.")
        await talk.say("And now?")
        await may(talk, "escape")
        await talk.shows("no result was sent back")
        assert "" == asked.read_text()


async def test_what_is_written_meanwhile_allows_nothing(
    lodging: Lodging, clock: str, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that comes up while the user writes takes none of the letters: they go to the prompt."""
    monkeypatch.setattr(allow, "REST", 3600.0)
    lodging.stage.reply = looks_up(OSLO)
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("What time is it?")
        await talk.until(lambda: isinstance(talk.app.screen, Allow))
        await talk.pilot.press(*"any", "enter")
        assert isinstance(talk.app.screen, Allow)
        await talk.pilot.press("escape")
        await talk.until(lambda: talk.app.screen is talk.screen)
        assert ("any", "") == (talk.screen.prompt.text, asked.read_text())


async def test_a_tool_is_stopped(lodging: Lodging, clock: str) -> None:
    """Esc ends a call that takes long; the conversation goes on."""
    lodging.stage.reply = looks_up(("waits", {}))
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("Wait")
        await may(talk, "y")
        await talk.shows("waits is at work")
        await talk.say("hello?")
        await talk.shows("still coming")
        await talk.pilot.press("escape")
        await talk.shows("no result was sent back")
        lodging.stage.reply = lambda *_: "never mind"
        talk.screen.prompt.put("")
        assert "never mind" == await talk.ask("go on")


async def test_results_that_nobody_answered_stay(lodging: Lodging, clock: str, asked: Path) -> None:
    """When the daemon goes away after a call, its result waits: asked again, or with the next question."""
    lodging.stage.reply = looks_up(OSLO)
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("What time is it?")
        await talk.until(lambda: isinstance(talk.app.screen, Allow))
        lodging.stop()
        await may(talk, "y")
        await talk.until(lambda: talk.app.link.seen.state == "away" and talk.screen.speaking is None)
        await talk.shows("12:00 in Oslo")
        lodging.start()
        await talk.shows("ready")
        await talk.pilot.press("f5")
        await done(talk, "I was told 12:00 in Oslo.")
        assert "Oslo\n" == asked.read_text()


async def test_a_model_that_calls_for_ever(
    lodging: Lodging, clock: str, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped after some rounds, and the user is asked how to go on."""
    monkeypatch.setattr(rounds, "ROUNDS", 3)
    lodging.stage.reply = lambda *_: calls(OSLO)
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("What time is it?")
        await may(talk, "a")
        await talk.shows("3 rounds of calls in a row")
        assert 3 == len(asked.read_text().splitlines())


async def test_calls_that_make_no_sense(lodging: Lodging, clock: str) -> None:
    """A tool that nobody has is told so, and the user is not asked; other clients' calls are left alone."""
    lodging.stage.reply = looks_up(("rm", {"path": "/"}))
    async with lodging.chat(wishes=Wishes(tools={"clock": clock})) as talk:
        await talk.say("Tidy up")
        await done(talk, "I was told error: there is no tool rm.")
    async with lodging.chat() as talk:
        await talk.say("Tidy up")
        await talk.until(lambda: talk.screen.query(AnswerView) and talk.screen.speaking is None)
        assert [("user",)] == [tuple(said.role for said in turn.asked) for turn in talk.screen.thread.path()]
