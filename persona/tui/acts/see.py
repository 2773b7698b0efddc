"""Seeing: what will be learned, what was, how nights went, and two revisions on one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona.thread import Said
from persona.tui.daemon import Wanted
from persona.tui.errors import Trouble
from persona.tui.screens.side_by_side import Arm, SideBySide

if TYPE_CHECKING:
    from persona.tui.screens.chat import ChatScreen


async def tonight(chat: ChatScreen, _: str) -> None:
    await _learned(chat, "tonight")


async def preferences(chat: ChatScreen, _: str) -> None:
    await _learned(chat, "preferences")


async def habits(chat: ChatScreen, _: str) -> None:
    await _learned(chat, "habits")


async def morning(chat: ChatScreen, _: str) -> None:
    await _learned(chat, "morning")


async def status(chat: ChatScreen, _: str) -> None:
    await _learned(chat, "status")


async def _learned(chat: ChatScreen, tab: str) -> None:
    from persona.tui.screens.learned import Learned

    chat.the_daemon_is_there()
    wanted = await chat.app.push_screen_wait(Learned(chat.daemon, tab))
    if wanted:
        from persona.tui.acts.conversations import go_on

        await go_on(chat, wanted)


async def why(chat: ChatScreen, _: str) -> None:
    """What stands behind an answer: preferences, and the examples that it was learned from."""
    from persona.tui.screens.behind import Behind

    turn = chat.chosen()
    if turn is None or turn.answer is None:
        raise Trouble("there is no answer yet")
    if turn.answer.interaction is None:
        raise Trouble("this answer was not kept: nothing is known about it")
    found = await chat.daemon.look("why", interaction=turn.answer.interaction)
    wanted = await chat.app.push_screen_wait(Behind(found))
    if wanted:
        from persona.tui.acts.conversations import go_on

        await go_on(chat, wanted)


async def revisions(chat: ChatScreen, ref: str) -> None:
    """Every revision: verdicts, scores, drift; from there back, forward, or into a talk with one."""
    from persona.tui.acts import acts
    from persona.tui.screens.revisions import Revisions

    chat.the_daemon_is_there()
    wanted = await chat.app.push_screen_wait(Revisions(chat.daemon, ref))
    if wanted is not None:
        act, argument = wanted
        await acts()[act](chat, argument)


async def report(chat: ChatScreen, ref: str) -> None:
    await revisions(chat, ref)


async def compare(chat: ChatScreen, text: str) -> None:
    """Two revisions on one question, side by side; nothing of it is kept."""
    one, two, question = (*text.split(maxsplit=2), "", "")[:3]
    if not two:
        raise Trouble("/compare needs two revisions and a question: /compare r1 r2 How do I …")
    turn = chat.chosen()
    messages = [Said("user", question).to_json()] if question else chat.thread.messages(turn) if turn else []
    if not messages:
        raise Trouble("/compare needs a question too, while nothing was asked yet")
    arms = [
        Arm(name=ref, model="persona:base" if ref in ("base", "r0") else f"persona:{ref}")
        for ref in (one, two)
    ]
    wanted = Wanted(messages=messages, keep=False, max_tokens=chat.max_tokens)
    title = f"{one} and {two}"
    await chat.app.push_screen_wait(
        SideBySide(title, messages[-1]["content"], arms, wanted, chat.daemon, votes=False)
    )
