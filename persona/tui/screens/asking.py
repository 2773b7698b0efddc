"""Small screens that ask one thing: yes or no, a line, a choice by one key, a text to write better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from persona.tui.clean import clean
from persona.tui.widgets.bars import Foot
from persona.tui.widgets.markdown import SafeMarkdown
from persona.tui.widgets.prompt import Area


class Sure(ModalScreen[bool]):
    """Something that can be looked at before it is done: the second key does it."""

    HELP = "### Before it is done\n\n**Enter** or **y** does what you see, **Esc** or **n** leaves it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "dismiss(True)", "Do it"),
        Binding("escape,n", "dismiss(False)", "Leave it"),
    ]

    def __init__(self, title: str, body: str) -> None:
        """`body` is markdown."""
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(Content.styled(clean(self._title), "bold $primary"), classes="heading")
            with VerticalScroll(classes="body"):
                yield SafeMarkdown(self._body)
            yield Foot()


class QuickInput(Input):
    """A line in which, while it is empty, a digit stands for one of the quick answers."""

    def __init__(self, value: str, *, placeholder: str, quick: Sequence[str]) -> None:
        super().__init__(clean(value), placeholder=placeholder)
        self._quick = quick

    def _on_paste(self, event: events.Paste) -> None:
        event.text = clean(event.text)

    async def _on_key(self, event: events.Key) -> None:
        if not self.value and event.key.isdecimal() and 1 <= int(event.key) <= len(self._quick):
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self, self._quick[int(event.key) - 1]))


class AskLine(ModalScreen[str | None]):
    """One line of text; None when it is left. A digit takes a quick answer while the line is empty."""

    HELP = "### One line\n\n**Enter** takes it. While it is empty, a digit takes what stands beside it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave it"),
    ]

    def __init__(self, title: str, *, value: str = "", hint: str = "", quick: Sequence[str] = ()) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._quick = quick

    def compose(self) -> ComposeResult:
        with Vertical(classes="window low"):
            yield Static(Content.styled(clean(self._title), "bold $primary"), classes="heading")
            if self._quick:
                choices = [
                    Content.assemble((str(n), "bold $accent"), f" {text}")
                    for n, text in enumerate(self._quick, start=1)
                ]
                yield Static(Content("   ").join(choices), classes="quick")
            yield QuickInput(self._value, placeholder=self._hint, quick=self._quick)
            yield Foot()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())


class WriteBetter(ModalScreen[str | None]):
    """A text to change. None when nothing was changed; what was written and left is in `left`."""

    HELP = "### Your version\n\nChange the answer to what it should have been. **Ctrl+S** keeps it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,f4", "keep", "Keep"),  # no priority: it would overtake letters on their way
        Binding("escape", "leave", "Leave it"),
    ]

    def __init__(self, title: str, text: str, *, draft: str = "", hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = clean(text)  # whoever wrote it: an area draws what it is given
        self._draft = clean(draft)
        self._hint = hint
        self.left = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Content.styled(clean(self._title), "bold $primary"), classes="heading")
            yield Static(Content.styled(self._hint, "dim"), classes="hint")
            yield Area(
                self._draft or self._text, show_line_numbers=False, soft_wrap=True, tab_behavior="focus"
            )
            yield Foot()

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()

    def action_keep(self) -> None:
        text = self.query_one(TextArea).text.rstrip()
        self.dismiss(text if text and text != self._text.rstrip() else None)

    def action_leave(self) -> None:
        text = self.query_one(TextArea).text
        self.left = text if text.rstrip() != self._text.rstrip() else ""
        self.dismiss(None)
