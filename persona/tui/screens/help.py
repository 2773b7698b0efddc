"""F1: what can be done from where the user is, then every key and command."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from persona.tui.commands import COMMANDS
from persona.tui.keys import Keys
from persona.tui.widgets.bars import Foot
from persona.tui.widgets.markdown import SafeMarkdown


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss(None)", "Close")]

    def __init__(self, context: str, keys: Keys) -> None:
        """`context` is markdown about where the user was."""
        super().__init__()
        self._about_here = context
        self._keys = keys

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall"):
            yield Static(Content.styled("help", "bold $primary"), classes="heading")
            with VerticalScroll(classes="body"):
                yield SafeMarkdown(f"{self._about_here}\n\n{help_text(self._keys)}")
            yield Foot()

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def help_text(keys: Keys) -> str:
    """Every command with its key, as markdown."""
    parts = []
    for group, commands in COMMANDS.items():
        rows = "\n".join(
            f"| `{command.written}` | {command.says} | {keys.shown(command.name)} |" for command in commands
        )
        parts.append(f"### {group}\n\n| command | does | key |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts)
