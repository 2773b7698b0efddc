"""The lines around a conversation: who speaks and how things are, what went wrong, what can be typed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from persona.tui.clean import line
from persona.tui.commands import Command
from persona.tui.link import Seen

_STATES = {
    "starting": ("◌", "starting", "$warning"),
    "loading": ("◌", "loading", "$warning"),
    "ready": ("●", "ready", "$success"),
    "swapping": ("◐", "swapping", "$warning"),
    "away": ("○", "away", "$error"),
}


class TopBar(Horizontal):
    """Who answers, what this conversation is called, and how the daemon is."""

    def compose(self) -> ComposeResult:
        yield Static(id="who")
        yield Static(id="title")
        yield Static(id="state")

    def show(self, seen: Seen, *, speaker: str, title: str, held: bool, incognito: bool) -> None:
        parts: list[str | tuple[str, str]] = [("persona ", "bold $primary"), (speaker or "…", "bold")]
        if held:
            parts.append((" held", "$warning"))
        if incognito:
            parts.append((" incognito", "bold $accent"))
        self.query_one("#who", Static).update(Content.assemble(*parts))
        self.query_one("#title", Static).update(Content(line(title)))
        mark, word, colour = _STATES[seen.state]
        night = [(f"☾ {line(seen.night, 28)}  ", "$accent")] if seen.night else []
        self.query_one("#state", Static).update(Content.assemble(*night, (f"{mark} {word}", colour)))


class Notice(Static):
    """One thing that the user should know, where the eyes are; it stays until something else happens."""

    def tell(self, text: str, *, kind: str = "information") -> None:
        """`kind` is information, warning or error; the text may be foreign."""
        self.set_classes(f"-{kind}")
        mark = {"information": "·", "warning": "!", "error": "✕"}[kind]
        self.update(Content(f"{mark} {line(text, 400)}"))
        self.display = True

    def hush(self) -> None:
        self.display = False


class Offers(Static):
    """The commands that a begun one may become."""

    MOST = 7

    def show(self, commands: Sequence[Command]) -> None:
        self.display = bool(commands)
        rows = [
            Content.assemble((command.written.ljust(22), "$primary"), (command.says, "dim"))
            for command in commands[: self.MOST]
        ]
        if len(commands) > self.MOST:
            rows.append(Content.styled(f"and {len(commands) - self.MOST} more", "dim"))
        self.update(Content("\n").join(rows))
