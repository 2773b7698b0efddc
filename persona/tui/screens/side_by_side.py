"""Answers beside one another: to pick one, to vote blind, or only to look."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from persona.thread import Answer
from persona.tui.clean import clean, line
from persona.tui.daemon import Daemon, Wanted
from persona.tui.errors import Trouble
from persona.tui.screens.closing import while_open
from persona.tui.talking import Speaking
from persona.tui.widgets.bars import Foot
from persona.tui.widgets.flow import Flow
from persona.tui.widgets.parts import Parts

_LETTERS = "ABC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One side: an answer that is there, or a model to ask for one."""

    name: str
    model: str = "persona"
    answer: Answer | None = None
    temperature: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What was answered, and the one taken; None when nobody was."""

    answers: list[Answer]
    taken: Answer | None = None


class Side(VerticalScroll):
    """One answer with its letter; its name stays hidden while a vote is blind."""

    def __init__(self, letter: str, arm: Arm, *, hidden: bool) -> None:
        super().__init__(classes="side")
        self.arm = arm
        self.answer = arm.answer
        self.speaking: Speaking | None = None
        self._letter = letter
        self._hidden = hidden
        self._text = Parts(arm.answer.text if arm.answer else "")

    def compose(self) -> ComposeResult:
        yield Static(classes="by")
        yield self._text
        yield Static(classes="foot")

    def on_mount(self) -> None:
        self.can_focus = True
        self._say_who()

    async def fill(self, daemon: Daemon, wanted: Wanted) -> None:
        """Ask for the answer, and show it as it comes."""
        if self.answer is not None:
            return
        flow = Flow(self._text)

        async def on_text(text: str, _: str) -> None:
            flow.write(text)

        self.speaking = Speaking(
            daemon,
            replace(wanted, model=self.arm.model, temperature=self.arm.temperature),
            on_text,
        )
        try:
            self.answer = await self.speaking.run()
            says = "" if self.answer else "nothing was said"
        except Trouble as trouble:
            says = str(trouble)
        finally:
            self.speaking = None
            await flow.end()
        self._say_who()
        calls = self.answer.said.calls if self.answer else ()
        called = "; ".join(f"⚙ {line(name, 30)}({line(arguments, 60)})" for _, name, arguments in calls)
        self.query_one(".foot", Static).update(Content(says or called))

    def reveal(self, *, taken: bool) -> None:
        self._hidden = False
        self.set_class(taken, "-taken")
        self._say_who()

    @property
    def name_now(self) -> str:
        """Who spoke, or whom it was meant to be."""
        return line(self.answer.model if self.answer and self.answer.model else self.arm.name, 30)

    def _say_who(self) -> None:
        name = "" if self._hidden else self.name_now
        self.query_one(".by", Static).update(
            Content.assemble((f" {self._letter} ", "bold reverse $primary"), f"  {name}")
        )


class SideBySide(ModalScreen["Outcome | None"]):
    """Ends with an Outcome. Blind: the order is drawn, and names show only after the vote."""

    HELP = "### Side by side\n\nThe letter of an answer takes it. **t**: they are alike, nothing is taken."
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{letter.lower()},{n}", f"take({n - 1})", f"Take {letter}")
            for n, letter in enumerate(_LETTERS, 1)
        ),
        Binding("t", "take(-1)", "Alike"),
        Binding("escape,enter", "done", "Close"),
    ]

    def __init__(
        self,
        title: str,
        question: str,
        arms: Sequence[Arm],
        wanted: Wanted,
        daemon: Daemon,
        *,
        blind: bool = False,
        votes: bool = True,
        draw: random.Random | None = None,
    ) -> None:
        super().__init__()
        order = list(arms)
        if blind:
            (draw or random.SystemRandom()).shuffle(order)
        self._sides = [Side(letter, arm, hidden=blind) for letter, arm in zip(_LETTERS, order, strict=False)]
        self._title = title
        self._question = question
        self._wanted = wanted
        self._daemon = daemon
        self._votes = votes
        self._taken: Answer | None = None
        self._settled = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="window whole"):
            yield Static(Content.styled(clean(self._title), "bold $primary"), classes="heading")
            yield Static(Content(line(self._question, 300)), classes="hint")
            with Container(id="sides"):
                yield from self._sides
            yield Static(id="verdict")
            yield Foot()

    def on_mount(self) -> None:
        self._sides[0].focus()
        self._ask()

    @work()
    @while_open
    async def _ask(self) -> None:
        self._say("the answers are coming")
        await asyncio.gather(*(side.fill(self._daemon, self._wanted) for side in self._sides))
        letters = "/".join(_LETTERS[: len(self._sides)])
        self._say(f"which one? {letters}, or t for alike" if self._votes else "Esc closes")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "take":
            place = parameters[0]
            return self._votes and not self._settled and isinstance(place, int) and place < len(self._sides)
        return True

    def action_take(self, place: int) -> None:
        if any(side.answer is None and side.speaking is not None for side in self._sides):
            self._say("wait until all have answered")
            return
        taken = self._sides[place] if place >= 0 else None
        if taken is not None and taken.answer is None:
            self._say("there is no answer to take there")
            return
        self._settled = True
        self._taken = taken.answer if taken else None
        for side in self._sides:
            side.reveal(taken=side is taken)
        who = ", ".join(f"{_LETTERS[n]} was {side.name_now}" for n, side in enumerate(self._sides))
        self._say(f"{f'you took {taken.name_now}' if taken else 'alike'}: {who}. Enter goes on")
        self.refresh_bindings()

    async def action_done(self) -> None:
        for side in self._sides:
            if side.speaking is not None:
                side.speaking.stop()
        answers = [side.answer for side in self._sides if side.answer is not None]
        self.dismiss(Outcome(answers=answers, taken=self._taken))

    def _say(self, text: str) -> None:
        self.query_one("#verdict", Static).update(Content.styled(text, "$accent"))
