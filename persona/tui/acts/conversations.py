"""Conversations: begin one, go on with one, find, name and forget them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona.thread import Thread
from persona.tui.clean import line
from persona.tui.errors import Trouble
from persona.tui.screens.asking import AskLine, Sure

if TYPE_CHECKING:
    from persona.tui.screens.chat import ChatScreen


async def new(chat: ChatScreen, _: str) -> None:
    _not_midway(chat)
    await chat.open(Thread())


async def conversations(chat: ChatScreen, _: str) -> None:
    """Choose among the earlier ones; there they can be renamed and deleted too."""
    from persona.tui.screens.conversations import Conversations

    _not_midway(chat)
    chosen = await chat.app.push_screen_wait(Conversations(chat.daemon, chat.persona.notebook))
    if chosen is not None:
        await go_on(chat, chosen)


async def search(chat: ChatScreen, words: str) -> None:
    """Find words in everything that was ever said, and go there."""
    from persona.tui.screens.search import Search

    _not_midway(chat)
    chosen = await chat.app.push_screen_wait(Search(chat.daemon, words))
    if chosen is not None:
        await go_on(chat, *chosen)


async def resume(chat: ChatScreen, conversation: str) -> None:
    """Go on with this one; "last" is the one that something was said in last."""
    if conversation == "last":
        newest = (await chat.daemon.look("conversations", limit=1))["conversations"]
        if not newest:
            return
        conversation = newest[0]["id"]
    await go_on(chat, conversation)


async def go_on(chat: ChatScreen, conversation: str, interaction: str = "") -> None:
    """Open a conversation, at one of its interactions if one is named. What is typed meanwhile goes along."""
    before = chat.prompt.text
    found = await chat.daemon.look("conversation", id=conversation, brief=True)
    known = await chat.daemon.look("revisions")
    names = {row["id"]: "base" if row["id"] == "r0" else row["ref"] for row in known["revisions"]}
    thread = Thread.from_json(found, names)
    _not_midway(chat)
    thread.choose(interaction)
    turn = next((t for t in thread.path() if t.answer and t.answer.interaction == interaction), None)
    typed = chat.prompt.text.removeprefix(before) if chat.prompt.text.startswith(before) else ""
    if typed:
        chat.prompt.put(before)
    title = chat.persona.notebook.titles().get(conversation, "")
    await chat.open(thread, title, at=turn, typed=typed)
    view = chat.view_of(turn.answer) if turn is not None and turn.answer is not None else None
    if view is not None:
        view.focus(scroll_visible=False)
        chat.call_after_refresh(view.scroll_visible, animate=False, top=True)


async def rename(chat: ChatScreen, title: str) -> None:
    if not chat.thread.turns:
        raise Trouble("say something first: an empty conversation has no title")
    if not title:
        asked = await chat.app.push_screen_wait(AskLine("a title", value=chat.title_of_thread))
        if asked is None:
            return
        title = asked
    chat.persona.notebook.rename(chat.thread.id, title)
    chat.retitle(title)


async def delete(chat: ChatScreen, _: str) -> None:
    """Forget this conversation, after a look at what goes with it."""
    _not_midway(chat)
    if not chat.thread.turns:
        raise Trouble("there is nothing to forget here yet")
    opening = line(chat.thread.turns[0].question, 60)
    if await forget(chat, chat.thread.id, opening):
        chat.action_stop()
        await chat.open(Thread())
        chat.notice.tell("forgotten")


async def forget(chat: ChatScreen, conversation: str, opening: str) -> bool:
    """Whether it was done."""
    sure = await chat.app.push_screen_wait(
        Sure(
            "forget this conversation?",
            f"“{opening}”\n\nEverything that was said in it goes, and all that was made of it. "
            "Revisions that learned from it are built again without it.",
        )
    )
    if not sure:
        return False
    await chat.daemon.act("forget", conversation=conversation)  # what is noted of it goes too
    chat.prompt.earlier = chat.persona.notebook.prompts()
    return True


async def incognito(chat: ChatScreen, _: str) -> None:
    """From now on nothing is kept, in a conversation of its own; again, and it is as before."""
    _not_midway(chat)
    text, going = chat.prompt.text, not chat.incognito
    if going:
        chat.keep_draft()
    chat.thread = Thread()  # nothing more is noted of the one before
    chat.incognito = going
    await chat.open(chat.thread, text=text)
    chat.notice.tell("nothing is remembered from here on" if going else "what is said is kept again")


def _not_midway(chat: ChatScreen) -> None:
    if chat.busy:
        raise Trouble("an answer is coming: Esc stops it")
