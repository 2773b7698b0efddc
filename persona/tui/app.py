"""The application: one chat over one line to the daemon, its colours and its palette."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from persona.notebook import Notebook
from persona.tools import Tools
from persona.tui.clean import line
from persona.tui.commands import every
from persona.tui.errors import Trouble
from persona.tui.keyboard import Keyboard
from persona.tui.keys import EVERYWHERE, Keys, shown
from persona.tui.link import Find, Link, Seen, Start
from persona.tui.screens.chat import ChatScreen
from persona.tui.themes import DARK, LIGHT

_GREETING = """\
# Good to see you.

Say something below. What you do to the answers is what persona learns tonight:

- **{up}** good, **{down}** not good: one key, and a digit says why
- **{better}** write the answer as it should have been
- **{ab}** a blind vote between the base, yesterday and today
- **{tonight}** what will be learned tonight, **{revisions}** all revisions, **{rollback}** back
"""
_GREETED = ("up", "down", "better", "ab", "tonight", "revisions", "rollback")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How the user wants to talk. `held` is a model id; empty follows the champion."""

    held: str = ""
    resume: str = ""  # a conversation to go on with
    max_tokens: int | None = None
    temperature: float | None = None
    theme: str = ""  # empty: the one chosen last
    keys: Keys = field(default_factory=Keys)
    tools: Mapping[str, str] = field(default_factory=dict)  # MCP servers: commands or addresses, by name


class PersonaApp(App[None]):
    """`find` and `start` are how the daemon is reached; see persona.tui.link."""

    TITLE = "persona"
    CSS_PATH = "persona.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal")]  # noqa: RUF012  # as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        *EVERYWHERE,
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
        self.tools = Tools(self.wishes.tools)
        self._welcomed = False
        self._keyboard = Keyboard(self, super().on_event)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._keyboard.take(event)
        else:
            await super().on_event(event)

    async def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        wanted = self.wishes.theme or self.notebook.seen("theme")
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self.theme_changed_signal.subscribe(self, lambda theme: self.notebook.see("theme", theme.name))
        self.set_keymap(self.wishes.keys.rebound())
        await self.push_screen(self.chat)
        await self.chat.greet(self._greeting())
        self.run_worker(self.link.follow(), group="link", exclusive=True)
        if self.wishes.tools:
            self.run_worker(self._start_tools(), group="tools")

    def _greeting(self) -> str:
        return _GREETING.format(**{name: self.wishes.keys.shown(name) for name in _GREETED})

    async def _start_tools(self) -> None:
        for trouble in await self.tools.start():
            self.chat.notice.tell(trouble, kind="warning")

    async def on_unmount(self) -> None:
        await self.tools.close()
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
                news = f"**Last night:** {line(note['headline'])}. /morning says more."
                await self.chat.greet(f"{self._greeting()}\n---\n\n{news}")
        except Trouble as trouble:
            self.chat.notice.tell(str(trouble), kind="warning")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for command in every():
            if not command.needs_argument:
                key = self.wishes.keys.shown(command.name)
                key = f" ({key})" if key else ""
                yield SystemCommand(
                    f"{command.name}{key}", command.says, partial(self.chat.do, command.action)
                )
        yield from super().get_system_commands(screen)

    def get_key_display(self, binding: Binding) -> str:
        """In footers as in help: F2, Ctrl+O, Esc; letters as they are typed."""
        return binding.key if len(binding.key) == 1 else shown(binding.key)

    def action_help(self) -> None:
        self.chat.do("help")

    def action_leave(self) -> None:
        self.chat.do("leave")

    def action_interrupt(self) -> None:
        """Ctrl+C: what is selected is copied, an answer that comes is stopped; it never leaves."""
        if self.screen.get_selected_text():
            self.screen.action_copy_text()
        elif self.chat.speaking is not None:
            self.chat.action_stop()
        else:
            self.chat.notice.tell(f"{self.wishes.keys.shown('quit')} leaves")
