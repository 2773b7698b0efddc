"""Asking, asking again, asking otherwise, and taking what was said elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from persona.thread import Answer, Turn
from persona.tui import clipboard
from persona.tui.acts import calls
from persona.tui.daemon import Wanted
from persona.tui.errors import Trouble
from persona.tui.link import ref_of
from persona.tui.screens.asking import WriteBetter
from persona.tui.talking import Speaking
from persona.tui.widgets.turns import AnswerView

if TYPE_CHECKING:
    from persona.tui.screens.chat import ChatScreen

_STILL = "the answer is still coming: Esc stops it"
ANOTHER = 0.8  # temperature of a further answer where the chat's is none or 0, which comes out the same


async def say(chat: ChatScreen, text: str) -> None:
    """Ask, at the end of the conversation."""
    await _ask(chat, text, chat.thread.ask)


async def edit(chat: ChatScreen, _: str) -> None:
    """Ask an earlier question otherwise; what followed it stays, on its own branch."""
    turn = chat.chosen()
    if turn is None or not turn.question:
        raise Trouble("there is no question here to ask otherwise")
    text = await chat.app.push_screen_wait(
        WriteBetter(
            "ask it otherwise", turn.question, hint="A branch: what follows the old question is kept."
        )
    )
    if text is not None:
        await _ask(chat, text, partial(chat.thread.edit, turn))


async def _ask(chat: ChatScreen, text: str, begin: Callable[[str], Turn]) -> None:
    """What cannot be asked comes back to the prompt, whatever stood in the way."""
    if chat.speaking is not None or chat.asking not in ("", text):
        chat.prompt.give_back(text)
        raise Trouble(_STILL)
    thread, turn, known = chat.thread, None, 0
    chat.asking = text
    try:
        chat.the_daemon_is_there()
        turn = begin(text)
        known = len(turn.answers)  # asked before at this place: once more
        await chat.show_thread(thread)
        await answer(chat, turn, again=known > 0)
    finally:
        chat.asking = ""
        if turn is None or len(turn.answers) == known:
            if turn is not None and not turn.answers:
                thread.take_out(turn)
            chat.prompt.give_back(text)
            if turn is not None and chat.thread is thread:
                await chat.show_thread(thread)
        chat.keep_draft()
    if len(turn.answers) == known:
        chat.notice.tell("nothing was said; your question is back in the prompt")


async def regenerate(chat: ChatScreen, _: str) -> None:
    """Another answer to the same question; both stay. Or the first, to what tools said."""
    turn, last = chat.chosen(), chat.thread.last
    if last is not None and last.answer is None:
        turn = last
    if turn is None:
        raise Trouble("there is no answer yet")
    chat.the_daemon_is_there()
    await answer(chat, turn, again=turn.answer is not None)


async def answer(chat: ChatScreen, turn: Turn, *, again: bool = False) -> Answer | None:
    """Have `turn` answered, live, below its question, and what the answer calls done. None when nothing was
    said."""
    if chat.speaking is not None:
        raise Trouble(_STILL)
    offered = await calls.offered(chat)
    view = AnswerView(turn, speaker=chat.speaker)

    async def on_text(text: str, model: str) -> None:
        chat.asking = ""  # the daemon has it, and keeps it with what is said
        await view.write(text, model=model)

    wanted = Wanted(
        messages=chat.thread.messages(turn),
        tools=offered,
        model=chat.held or "persona",
        conversation=chat.thread.id,
        keep=not chat.incognito,
        temperature=(chat.temperature or ANOTHER) if again else chat.temperature,
        max_tokens=chat.max_tokens,
    )
    chat.speaking = speaking = Speaking(chat.daemon, wanted, on_text)  # from here on nobody else does
    chat.notice.hush()
    try:
        await chat.transcript.begin(turn, view)
        said = await speaking.run()
    except BaseException:
        await view.remove()
        raise
    finally:
        chat.speaking = None
    if said is None:
        await view.remove()
        return None
    chat.asking = ""
    turn.answers.append(said)
    turn.at = len(turn.answers) - 1
    await view.finish(said)
    _tell_end(chat, said, speaking)
    await go_on(chat, turn, said)
    return said


async def go_on(chat: ChatScreen, turn: Turn, said: Answer) -> None:
    """Do what an answer calls, and have the results answered."""
    after = await calls.follow(chat, turn, said)
    if chat.asking:
        return  # what was found goes with what the user asks meanwhile
    if after is not None and await answer(chat, after) is None:
        again = chat.persona.wishes.keys.shown("regenerate")
        chat.notice.tell(f"nothing was said to what the tools found; {again} asks again")


def _tell_end(chat: ChatScreen, said: Answer, speaking: Speaking) -> None:
    if speaking.trouble is not None:
        chat.notice.tell(str(speaking.trouble), kind="error")
    elif said.interaction is None and speaking.wanted.keep and not said.cut:
        chat.notice.tell(
            "this answer was not kept: is the disk full? `persona doctor` says more", kind="error"
        )


async def copy(chat: ChatScreen, _: str) -> None:
    """The answer or question as it was written, markup and all."""
    turn = chat.chosen()
    if turn is None:
        raise Trouble("there is nothing to copy yet")
    asked = turn.question or "\n".join(said.content for said in turn.asked)
    text = asked if chat.on_a_question or turn.answer is None else turn.answer.text
    await _to_clipboard(chat, text)


async def copy_code(chat: ChatScreen, number: str) -> None:
    """A code block of the answer: the last one, or the one with this number."""
    turn = chat.chosen()
    blocks = clipboard.code_blocks(turn.answer.text) if turn is not None and turn.answer is not None else []
    if not blocks:
        raise Trouble("there is no code in this answer")
    if number and not (number.isdecimal() and 1 <= int(number) <= len(blocks)):
        raise Trouble(f"this answer has code blocks 1 to {len(blocks)}")
    await _to_clipboard(chat, blocks[int(number) - 1 if number else -1])


async def _to_clipboard(chat: ChatScreen, text: str) -> None:
    copied = await asyncio.to_thread(clipboard.copy, text, chat.app.copy_to_clipboard)
    lines = text.count("\n") + 1
    chat.notice.tell(f"{lines} line{'' if lines == 1 else 's'} {copied.says}")


async def save(chat: ChatScreen, name: str) -> None:
    """Write the answer to a new file: one that is there stays."""
    turn = chat.chosen()
    if turn is None or turn.answer is None:
        raise Trouble("there is no answer yet")
    try:
        file = Path(name or f"answer-{(turn.answer.interaction or 'new')[-8:]}.md").expanduser()
    except RuntimeError as error:  # ~somebody who is not there
        raise Trouble(f"{name}: {error}") from None
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as to:
            to.write(turn.answer.text + "\n")
    except FileExistsError:
        raise Trouble(f"{file} is there already: /save another name") from None
    except OSError as error:
        raise Trouble(f"{file}: {error.strerror}") from None
    chat.notice.tell(f"written to {file.absolute()}")


async def theme(chat: ChatScreen, name: str) -> None:
    """Change the colours, and keep them."""
    if not name:
        chat.app.search_themes()
        return
    if name not in chat.app.available_themes:
        raise Trouble(f"no theme {name!r}: {', '.join(sorted(chat.app.available_themes))}")
    chat.app.theme = name


async def show_help(chat: ChatScreen, _: str) -> None:
    """Keys for where the user is, and every command."""
    from persona.tui.screens.help import HelpScreen

    here = chat.app.screen
    if isinstance(here, HelpScreen):
        here.dismiss()
        return
    about = getattr(here.focused, "help_here", None) or getattr(here.focused, "HELP", None)
    about = about or getattr(here, "HELP", None) or ""
    await chat.app.push_screen(HelpScreen(about, chat.persona.wishes.keys))


async def leave(chat: ChatScreen, _: str) -> None:
    chat.keep_draft()
    chat.app.exit()


def who(model: str) -> str:
    """A model id as people say it."""
    return ref_of(model) or "champion"
