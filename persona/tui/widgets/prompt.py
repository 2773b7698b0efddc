"""Where the user writes: it grows with the text, remembers what was sent, and loses nothing."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from persona.tui.clean import clean
from persona.tui.commands import matching
from persona.tui.keys import Keys, shown

_HELP = """\
### Writing

**{send}** sends, **{newline}** begins a new line. **↑ ↓** bring back earlier prompts.
**{complete}** completes a /command; **{answers}** goes up to the answers, to judge, copy or change one.
A line that begins with two slashes says one.
"""
_WRITING = ("send", "newline", "complete", "answers")
_OURS = {"f6", "f7"}  # keys of the chat, which a text area has another use for


class Area(TextArea):
    """Where a text is written: what is pasted is text, and never orders to the terminal."""

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = clean(event.text)


class Prompt(Area, inherit_bindings=False):
    """Enter sends; Shift+Enter and Ctrl+J begin a line; at the edges Up and Down recall earlier prompts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding
        for binding in TextArea.BINDINGS
        if not (isinstance(binding, Binding) and binding.key in _OURS)
    ]

    class Sent(Message):
        """It is out of the prompt: whoever cannot use it gives it back."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Leave(Message):
        """The user wants to go up into the conversation."""

    def __init__(self, keys: Keys, *, id: str | None = None) -> None:  # noqa: A002
        self._keys = {key: name for name in _WRITING for key in keys.of(name)}
        self.help_here = _HELP.format(
            **{name: "** or **".join(map(shown, keys.of(name)[:2])) for name in _WRITING}
        )
        super().__init__(id=id, compact=True, show_line_numbers=False, highlight_cursor_line=False)
        self.earlier: list[str] = []  # latest first
        self._place = -1  # in `earlier`; -1 is the text that the user is writing
        self._own = ""

    async def _on_key(self, event: events.Key) -> None:
        match self._keys.get(event.key, event.key):
            case "send":
                self._take(event)
                self._send()
            case "newline":
                self._take(event)
                self.insert("\n")
            case "up" if self.cursor_at_first_line and self._place + 1 < len(self.earlier):
                self._take(event)
                self._recall(self._place + 1)
            case "down" if self.cursor_at_last_line and self._place >= 0:
                self._take(event)
                self._recall(self._place - 1)
            case "complete":
                self._take(event)
                self._complete()
            case "answers":
                self._take(event)
                self.post_message(self.Leave())

    def _send(self) -> None:
        """At once: what is written next is no part of it."""
        if text := self.text.strip():
            self.put("")
            self.post_message(self.Sent(text))

    def put(self, text: str) -> None:
        """Make `text` what is being written."""
        self._place = -1
        self.load_text(text)
        self.move_cursor(self.document.end)

    def give_back(self, text: str) -> None:
        """A text that could not be sent, before what was written since."""
        self.put(f"{text}\n{self.text}" if self.text.strip() else text)

    def update_suggestion(self) -> None:
        found = matching(self.text)
        begun = self.text[1:]
        if found and found[0].name.startswith(begun):
            self.suggestion = found[0].name[len(begun) :]

    def _complete(self) -> None:
        found = matching(self.text)
        if found:
            self.put(f"/{found[0].name}" + (" " if found[0].takes else ""))

    def _recall(self, place: int) -> None:
        if self._place == -1:
            self._own = self.text
        text = self._own if place == -1 else self.earlier[place]
        self.put(text)
        self._place = place

    def _take(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
