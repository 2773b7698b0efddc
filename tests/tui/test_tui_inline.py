"""The chat below the prompt, in a terminal that is one."""

from __future__ import annotations

import sys

from chatting.terminal import Terminal
from tui_parts import Lodging

CHAT = """
import sys
from persona.tui.app import PersonaApp
from persona.tui.daemon import Address
address = Address(url=sys.argv[1], token=sys.argv[2])
PersonaApp(lambda: address).run(inline=True, inline_no_clear=True)
"""
F1, ESC, CTRL_Q = "\x1bOP", "\x1b", "\x11"


def test_there_is_room_for_answers_below_the_prompt(lodging: Lodging) -> None:
    """What is answered is seen, a window opens over it, and the last screen stays when the chat is left."""
    address = lodging.find()
    assert address is not None
    terminal = Terminal([sys.executable, "-c", CHAT, address.url, address.token], size=(100, 30))
    try:
        terminal.shows("Good to see you")
        terminal.shows("ready")
        sent = terminal.mark()
        terminal.type("hello\r")
        terminal.shows("says: hello", since=sent)
        asked = terminal.mark()
        terminal.type(F1)
        terminal.shows("begins a new line", since=asked)
        terminal.type(ESC)
        terminal.shows("says: hello", since=asked)
        left = terminal.mark()
        terminal.type(CTRL_Q)
        terminal.shows("says: hello", since=left)
    finally:
        terminal.close()
