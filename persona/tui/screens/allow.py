"""What tools may do: one call that waits for a yes, and all that is offered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from persona.tools import Tool, Tools
from persona.tui.clean import clean, line
from persona.tui.widgets.bars import Foot

REST = 0.7  # seconds without a key before one counts: whoever is writing did not mean this


class Allow(ModalScreen["str | None"]):
    """A call that a model wants to make: "once", "always", "no", or None to stop there.

    It may come up while the user writes: what is written goes on to `typed`.
    """

    HELP = """\
### A call of a tool

The model wants this to be done. **y** does it this once, **a** as often as it likes while this chat is open,
**n** tells it that it may not. **Esc** stops here.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('once')", "Once"),
        Binding("a", "answer('always')", "Always, in this chat"),
        Binding("n", "answer('no')", "No"),
        Binding("escape", "dismiss(None)", "Stop here"),
    ]

    def __init__(self, tool: Tool, arguments: Mapping[str, Any], *, typed: Callable[[str], object]) -> None:
        super().__init__()
        self._tool = tool
        self._arguments = arguments
        self._typed = typed
        self.listening = False

    def compose(self) -> ComposeResult:
        title = f"may {line(self._tool.server.name, 30)} do {line(self._tool.own, 60)}?"
        with Vertical(classes="window"):
            yield Static(Content.styled(title, "bold $primary"), classes="heading")
            yield Static(Content(line(self._tool.says, 300)), classes="hint")
            with VerticalScroll(classes="body"):
                shown = json.dumps(self._arguments, ensure_ascii=False, indent=2)
                yield Static(Content(clean(shown)), classes="call")
            yield Foot()

    def on_mount(self) -> None:
        self._rest = self.set_timer(REST, self._listen)

    def _listen(self) -> None:
        self.listening = True
        self.refresh_bindings()

    def check_action(self, action: str, _: tuple[object, ...]) -> bool | None:
        return None if action == "answer" and not self.listening else True

    def on_key(self, event: events.Key) -> None:
        if self.listening or event.key in ("escape", "f1"):
            return
        event.stop()
        self._rest.reset()
        if event.is_printable and event.character:
            self._typed(event.character)

    def on_paste(self, event: events.Paste) -> None:
        self._typed(clean(event.text))

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


class Offered(ModalScreen[None]):
    """Every tool by its server, and which need no asking; they can be asked about again."""

    HELP = "### Tools\n\nWhat the model may ask for. **r**: be asked about every call again."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "ask_again", "Ask about all again"),
        Binding("escape,q", "dismiss(None)", "Close"),
    ]

    def __init__(self, tools: Tools) -> None:
        super().__init__()
        self._tools = tools

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Content.styled("tools", "bold $primary"), classes="heading")
            with VerticalScroll(classes="body"):
                yield Static(self._told(), classes="quick", id="offered")
            yield Foot()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_ask_again(self) -> None:
        self._tools.allowed.clear()
        self.query_one("#offered", Static).update(self._told())

    def _told(self) -> Content:
        return Content("\n").join(self._lines())

    def _lines(self) -> Iterator[Content]:
        for server in self._tools.servers:
            trouble = (f"  {line(server.trouble)}", "$text-error")
            yield Content.assemble((line(server.name, 64), "bold $secondary"), trouble)
            for tool in self._tools.known():
                if tool.server is server:
                    free = "  allowed in this chat" if tool.name in self._tools.allowed else ""
                    yield Content.assemble("  ", (line(tool.name, 60), "bold"), (free, "$text-warning"))
                    yield Content.styled(f"    {line(tool.says)}", "dim")
