"""What the user can do, by name: keys, commands and the palette all lead here.

An act gets the chat screen and the rest of the command's line. It may raise Trouble, which the chat says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from persona.tui.screens.chat import ChatScreen

Act = Callable[["ChatScreen", str], Awaitable[None]]


@cache
def acts() -> Mapping[str, Act]:
    """By name. Filled when it is first asked: the acts import the screens, and the screens this."""
    from persona.tui.acts import back, calls, conversations, see, talk, teach

    return {
        "say": talk.say,
        "edit": talk.edit,
        "regenerate": talk.regenerate,
        "copy": talk.copy,
        "copy_code": talk.copy_code,
        "save": talk.save,
        "tools": calls.tools,
        "theme": talk.theme,
        "help": talk.show_help,
        "leave": talk.leave,
        "new": conversations.new,
        "conversations": conversations.conversations,
        "search": conversations.search,
        "resume": conversations.resume,
        "rename": conversations.rename,
        "delete": conversations.delete,
        "incognito": conversations.incognito,
        "up": teach.up,
        "down": teach.down,
        "better": teach.better,
        "pick": teach.pick,
        "blind": teach.blind,
        "prefer": teach.prefer,
        "train": teach.train,
        "why": see.why,
        "tonight": see.tonight,
        "morning": see.morning,
        "preferences": see.preferences,
        "habits": see.habits,
        "revisions": see.revisions,
        "report": see.report,
        "compare": see.compare,
        "status": see.status,
        "base": back.base,
        "revision": back.revision,
        "rollback": back.rollback,
        "promote": back.promote,
    }
