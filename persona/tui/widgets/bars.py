"""The lines around a conversation: who speaks and how things are, what went wrong, what can be typed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Footer, Static
from textual.widgets._footer import FooterKey

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


class Foot(Footer):
    """What keys do where the user is: as many as fit, and help is the last to go."""

    def __init__(self) -> None:
        super().__init__(compact=True, show_command_palette=False)
        self._room = 0

    def compose(self) -> ComposeResult:
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        if self._room:
            while keys and sum(map(_width, keys)) - 1 > self._room:
                others = [key for key in keys if key.action != "help"]
                keys.remove(others[-1] if others else keys[-1])
        yield from keys

    def on_resize(self) -> None:
        if self._room != self.content_size.width:
            self._room = self.content_size.width
            self.call_after_refresh(self.recompose)


def _width(key: FooterKey) -> int:
    """With the gap behind it."""
    return cell_len(f"{key.key_display} {key.description} ")


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
