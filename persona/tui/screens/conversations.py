"""Earlier conversations: go on with one, rename it, forget it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from persona.notebook import Notebook
from persona.tui.clean import line
from persona.tui.daemon import Daemon
from persona.tui.errors import Trouble
from persona.tui.screens.asking import AskLine
from persona.tui.widgets.bars import Foot

if TYPE_CHECKING:
    from persona.tui.app import PersonaApp

_MOST = 500


class Conversations(ModalScreen["str | None"]):
    """Ends with the id of the one to go on with. Typing narrows the list down."""

    HELP = "### Conversations\n\nType to narrow down; **Enter** goes on; **F2** renames; **Delete** forgets."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "into", "Into the list", show=False),
        Binding("f2,ctrl+r", "rename", "Rename", priority=True),
        Binding("delete,ctrl+d", "forget", "Forget", priority=True),
    ]

    def __init__(self, daemon: Daemon, notebook: Notebook) -> None:
        super().__init__()
        self._daemon = daemon
        self._notebook = notebook
        self._rows: list[dict[str, Any]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Content.styled("conversations", "bold $primary"), classes="heading")
            yield Input(placeholder="type to narrow down")
            yield OptionList(markup=False)
            yield Static(classes="foot")
            yield Foot()

    async def on_mount(self) -> None:
        await self._load()

    async def _load(self) -> None:
        try:
            found = await self._daemon.look("conversations", limit=_MOST)
        except Trouble as trouble:
            self._say(str(trouble))
            return
        titles = self._notebook.titles()
        self._rows = [
            {**row, "title": titles.get(row["id"]) or line(row["opening"], 120) or "(no question)"}
            for row in found["conversations"]
        ]
        self._show()

    def on_input_changed(self, _: Input.Changed) -> None:
        self._show()

    def _show(self) -> None:
        wanted = self.query_one(Input).value.lower().split()
        rows = [row for row in self._rows if all(word in row["title"].lower() for word in wanted)]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(_row(row), id=row["id"]) for row in rows)
        if rows:
            options.highlighted = 0
        self._say("" if rows else "nothing was said yet" if not self._rows else "none has these words")

    def action_into(self) -> None:
        self.query_one(OptionList).focus()

    def on_input_submitted(self) -> None:
        chosen = self._chosen()
        if chosen:
            self.dismiss(chosen["id"])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    @work
    async def action_rename(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        title = await self.app.push_screen_wait(AskLine("a title", value=chosen["title"]))
        if title is not None:
            self._notebook.rename(chosen["id"], title)
            await self._load()

    @work
    async def action_forget(self) -> None:
        from persona.tui.acts.conversations import forget

        chosen = self._chosen()
        if chosen is None:
            return
        chat = cast("PersonaApp", self.app).chat
        if chosen["id"] == chat.thread.id:
            self._say("this one is open: /delete forgets it")
            return
        try:
            if await forget(chat, chosen["id"], chosen["title"]):
                await self._load()
        except Trouble as trouble:
            self._say(str(trouble))

    def _chosen(self) -> dict[str, Any] | None:
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return None
        key = options.get_option_at_index(options.highlighted).id
        return next(row for row in self._rows if row["id"] == key)

    def _say(self, text: str) -> None:
        self.query_one(".foot", Static).update(Content.styled(text, "dim"))


def _row(row: dict[str, Any]) -> Content:
    count = row["interactions"]
    answers = f"{count} answer{'' if count == 1 else 's'}"
    source = "" if row["source"] in ("persona", "chat") else f"  {line(row['source'], 20)}"
    return Content.assemble(row["title"], "\n", (f"{day(row['last_at'])}  {answers}{source}", "dim"))


def day(at: str) -> str:
    """A time of the daemon's as people read it here."""
    then, now = datetime.fromisoformat(at).astimezone(), datetime.now().astimezone()
    year = "" if then.year == now.year else f" {then.year}"
    return f"{then:%a %d %b}{year}, {then:%H:%M}"
