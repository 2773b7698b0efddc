"""Calls that a model makes: shown, asked about, run, and their results answered."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from persona.thread import Answer, Turn
from persona.tools import NOT_ALLOWED, ROUNDS, arguments_of, no_such_tool
from persona.tui.clean import line
from persona.tui.errors import Trouble
from persona.tui.screens.allow import Allow, Offered
from persona.tui.talking import Work

if TYPE_CHECKING:
    from persona.tui.screens.chat import ChatScreen

T = TypeVar("T")


async def tools(chat: ChatScreen, _: str) -> None:
    """What is offered, whose it is, and what need not be asked about again."""
    if not chat.persona.tools.servers:
        raise Trouble("no tools: name MCP servers under [chat.tools] in config.toml")
    await chat.app.push_screen_wait(Offered(chat.persona.tools))


async def offered(chat: ChatScreen) -> list[dict[str, Any]]:
    """What goes with the next question, once the servers are there; Esc does not wait for them."""
    known = chat.persona.tools
    if not known.ready:
        chat.notice.tell("the tools are starting; Esc asks without them")
        await _waited(chat, known.started())
        chat.notice.hush()
    return known.offered()


async def follow(chat: ChatScreen, turn: Turn, answer: Answer) -> Turn | None:
    """Run what `answer` calls, each as the user allows. The turn that its results make; None when nothing
    is to be answered."""
    if answer.cut or not answer.said.calls or not chat.persona.tools.known():
        return None
    if sum(1 for _ in takewhile(_tells_results, _back(turn))) >= ROUNDS:
        raise Trouble(f"{ROUNDS} rounds of calls in a row: say how to go on")
    results: list[tuple[str, str]] = []
    for key, name, text in answer.said.calls:
        said = await _result(chat, name, text)
        if said is None:
            chat.notice.tell("stopped: no result was sent back")
            return None
        results.append((key, said))
    after = chat.thread.tell(turn, results)
    await chat.show_thread(chat.thread)
    return after


async def _result(chat: ChatScreen, name: str, text: str) -> str | None:
    """What is sent back for one call; None when the user stops here."""
    tool, arguments = chat.persona.tools.named(name), arguments_of(text)
    if tool is None:
        return no_such_tool(name)
    if arguments is None:
        return "error: the arguments are not a JSON object"
    if tool.name not in chat.persona.tools.allowed:
        answer = await chat.app.push_screen_wait(Allow(tool, arguments, typed=chat.prompt.insert))
        if answer is None:
            return None
        if answer == "no":
            return NOT_ALLOWED
        if answer == "always":
            chat.persona.tools.allowed.add(tool.name)
    chat.notice.tell(f"{line(tool.name, 40)} is at work; Esc stops it")
    said = await _waited(chat, chat.persona.tools.call(tool, arguments))
    chat.notice.hush()
    return said


async def _waited(chat: ChatScreen, what: Coroutine[Any, Any, T]) -> T | None:
    """None when Esc ended it."""
    chat.speaking = work = Work()
    try:
        return await work.run(what)
    finally:
        chat.speaking = None


def _back(turn: Turn | None) -> Iterator[Turn]:
    while turn is not None:
        yield turn
        turn = turn.behind


def _tells_results(turn: Turn) -> bool:
    return turn.asked[-1].role == "tool"
