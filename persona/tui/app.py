"""The application: one chat over one line to the daemon, its colours and its palette."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from persona.tui.clean import line
from persona.tui.commands import every
from persona.tui.errors import Trouble
from persona.tui.link import Find, Link, Seen, Start
from persona.tui.notebook import Notebook
from persona.tui.screens.chat import ChatScreen
from persona.tui.themes import DARK, LIGHT

_GREETING = """\
# Good to see you.

Say something below. What you do to the answers is what persona learns tonight:

- **F2** good, **F3** not good: one key, and a digit says why
- **F4** write the answer as it should have been
- **F6** a blind vote between the base, yesterday and today
- **F7** what will be learned tonight, **F8** all revisions, **F10** back
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How the user wants to talk. `held` is a model id; empty follows the champion."""

    held: str = ""
    resume: str = ""  # a conversation to go on with
    max_tokens: int | None = None
    temperature: float | None = None
    theme: str = ""  # empty: the one chosen last


class PersonaApp(App[None]):
    """`find` and `start` are how the daemon is reached; see persona.tui.link."""

    TITLE = "persona"
    CSS_PATH = "persona.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal")]  # noqa: RUF012  # as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Leave", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Stop or copy", show=False),
    ]

    def __init__(
        self,
        find: Find,
        *,
        start: Start | None = None,
        notes: Path | None = None,
        wishes: Wishes | None = None,
    ) -> None:
        super().__init__()
        self.wishes = wishes or Wishes()
        self.notebook = Notebook(notes)
        self.link = Link(find, start, self._seen)
        self.chat = ChatScreen(
            held=self.wishes.held,
            max_tokens=self.wishes.max_tokens,
            temperature=self.wishes.temperature,
        )
        self._welcomed = False

    async def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        wanted = self.wishes.theme or self.notebook.seen("theme")
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self.theme_changed_signal.subscribe(self, lambda theme: self.notebook.see("theme", theme.name))
        await self.push_screen(self.chat)
        await self.chat.greet(_GREETING)
        self.run_worker(self.link.follow(), group="link", exclusive=True)

    async def on_unmount(self) -> None:
        await self.link.close()

    def _seen(self, seen: Seen) -> None:
        if self.chat.is_mounted:
            self.chat.show_seen(seen)
        if seen.state == "ready" and not self._welcomed:
            self._welcomed = True
            self.run_worker(self._welcome(), group="welcome")

    async def _welcome(self) -> None:
        """What there is to know when the daemon is first reached: the last night, and where we were."""
        try:
            if self.wishes.resume:
                self.chat.do("resume", self.wishes.resume)
            status = await self.link.the_daemon().look("status")
            last = status.get("last_night")
            if last and last["run"] != self.notebook.seen("run"):
                note = await self.link.the_daemon().look("morning")
                self.notebook.see("run", last["run"])
                await self.chat.greet(
                    f"{_GREETING}\n---\n\n**Last night:** {line(note['headline'])}. /morning says more."
                )
        except Trouble as trouble:
            self.chat.notice.tell(str(trouble), kind="warning")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for command in every():
            if not command.needs_argument:
                key = f" ({command.key})" if command.key else ""
                yield SystemCommand(
                    f"{command.name}{key}", command.says, partial(self.chat.do, command.action)
                )
        yield from super().get_system_commands(screen)

    def action_leave(self) -> None:
        self.chat.keep_draft()
        self.exit()

    def action_interrupt(self) -> None:
        """Ctrl+C: what is selected is copied, an answer that comes is stopped; it never leaves."""
        if self.screen.get_selected_text():
            self.screen.action_copy_text()
        elif self.chat.speaking is not None:
            self.chat.action_stop()
        else:
            self.chat.notice.tell("Ctrl+Q leaves")
