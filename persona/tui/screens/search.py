"""The search over everything that was ever said."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from persona.tui.clean import line
from persona.tui.daemon import Daemon
from persona.tui.errors import Trouble
from persona.tui.screens.closing import while_open
from persona.tui.screens.conversations import day
from persona.tui.widgets.bars import Foot

_MOST = 60
_REST = 0.15  # seconds after a key, before the daemon is asked


class Search(ModalScreen["tuple[str, str] | None"]):
    """Ends with the conversation and the interaction to go to."""

    HELP = "### Search\n\nEvery word has to be there. **↓** goes into the list, **Enter** opens."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "into", "Into the list", show=False),
    ]

    def __init__(self, daemon: Daemon, words: str = "") -> None:
        super().__init__()
        self._daemon = daemon
        self._words = words
        self._hits: list[dict[str, Any]] = []
        self._found = ""  # the words that `_hits` are of
        self._open_first = False  # once they are there

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Content.styled("search all that was ever said", "bold $primary"), classes="heading")
            yield Input(self._words, placeholder="words")
            yield OptionList(markup=False)
            yield Static(classes="foot")
            yield Foot()

    def on_mount(self) -> None:
        self._rest = self.set_timer(_REST, self._find, pause=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._words = event.value
        self._open_first = False
        self._rest.stop()  # a timer that has fired does so no more
        self._rest = self.set_timer(_REST, self._find)

    @work(exclusive=True)
    @while_open
    async def _find(self) -> None:
        words = self._words.strip()
        says = ""
        try:
            self._hits = (await self._daemon.look("search", text=words, limit=_MOST))["hits"] if words else []
        except Trouble as trouble:
            self._hits, says = [], str(trouble)
        self._found = words
        if self._open_first and self._hits:
            self._open(0)
            return
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(_row(hit)) for hit in self._hits)
        if self._hits:
            options.highlighted = 0
        elif words and not says:
            says = "nothing has all of these words"
        self.query_one(".foot", Static).update(Content.styled(says, "dim"))

    def action_into(self) -> None:
        self.query_one(OptionList).focus()

    def on_input_submitted(self) -> None:
        place = self.query_one(OptionList).highlighted
        if self._found != self._words.strip():  # Enter was quicker than the search
            self._open_first = True
        elif place is not None:
            self._open(place)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._open(event.option_index)

    def _open(self, place: int) -> None:
        hit = self._hits[place]
        self.dismiss((hit["conversation"], hit["interaction"]))


def _row(hit: dict[str, Any]) -> Content:
    who = "you" if hit["role"] == "user" else hit["role"]
    return Content.assemble(line(hit["excerpt"], 160), "\n", (f"{day(hit['at'])}  {who}", "dim"))
