"""A question and its answer as they stand in the conversation: each can be gone to, and acted on by key."""

from __future__ import annotations

import json
import time
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Collapsible, Static

from persona.thread import Answer, Turn
from persona.tui.clean import clean, line
from persona.tui.widgets.flow import Flow
from persona.tui.widgets.parts import Parts

_MOVES: list[BindingType] = [
    Binding("up,k", "screen.move(-1)", "Before", show=False),
    Binding("down,j", "screen.move(1)", "After", show=False),
    Binding("escape", "screen.write", "Write", show=True),
    Binding("y", "screen.do('copy')", "Copy"),
]


class QuestionView(Vertical, can_focus=True):
    """What was asked. Long results of tools and system prompts are folded."""

    HELP = """\
### A question

**Enter** asks it otherwise, as a branch: what follows now is kept. **← →** change branch.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        *_MOVES,
        Binding("enter,e", "screen.do('edit')", "Ask otherwise"),
        Binding("left,h", "screen.branch(-1)", "Branch before", show=False),
        Binding("right,l", "screen.branch(1)", "Branch after", show=False),
    ]

    def __init__(self, turn: Turn, branch: tuple[int, int]) -> None:
        super().__init__()
        self.turn = turn
        self._branch = branch

    def compose(self) -> ComposeResult:
        for said in self.turn.asked:
            if said.role == "user":
                at, of = self._branch
                where = f"  ‹ {at + 1} of {of} ›" if of > 1 else ""
                yield Static(Content.assemble(("you", "bold $secondary"), (where, "dim")), classes="by")
                yield Static(Content(clean(said.content)), classes="said")
            else:
                title = "a tool's result" if said.role == "tool" else said.role
                body = Static(Content(clean(said.content)))
                yield folded(body, f"{title}: {line(said.content, 60)}")


class AnswerView(Vertical, can_focus=True):
    """What was answered, or is being answered now."""

    HELP = """\
### An answer

**u** good, **d** not good (then a digit says why), **e** write it better, **r** another answer, **p** pick of
two. **w** shows what stands behind it: preferences and examples. **y** copies it as it was written, **c** its
last code block. **← →** go through the answers to this question.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        *_MOVES,
        Binding("u", "screen.do('up')", "Good"),
        Binding("d", "screen.do('down')", "Not good"),
        Binding("e", "screen.do('better')", "Better"),
        Binding("r", "screen.do('regenerate')", "Again"),
        Binding("p", "screen.do('pick')", "Pick"),
        Binding("w", "screen.do('why')", "Why"),
        Binding("c", "screen.do('copy_code')", "Code", show=False),
        Binding("left,h", "screen.sibling(-1)", "Answer before", show=False),
        Binding("right,l", "screen.sibling(1)", "Answer after", show=False),
        Binding("enter,space", "fold", "Fold", show=False),
    ]

    def __init__(self, turn: Turn, answer: Answer | None = None, *, speaker: str = "") -> None:
        super().__init__()
        self.turn = turn
        self.answer = answer
        self._speaker = speaker
        self._text = Parts(answer.text if answer else "")
        self._flow: Flow | None = None
        self._pieces = 0
        self._began = self._told = 0.0
        self._by = Static(classes="by")
        self._foot_line = Static(classes="foot")

    def compose(self) -> ComposeResult:
        yield self._by
        yield self._text
        yield self._foot_line

    async def on_mount(self) -> None:
        self._say_who(self._speaker if self.answer is None else self.answer.model)
        if self.answer is not None:
            await self.finish(self.answer)
        else:
            self._foot(Content.styled("…", "dim"))

    async def write(self, text: str, *, model: str = "") -> None:
        """More of the answer."""
        if self._flow is None:
            self._flow = Flow(self._text)
            self._say_who(model or self._speaker)
            self._foot(Content.styled("writing; Esc stops", "dim"))
            self._began = self._told = time.monotonic()
        self._flow.write(text)
        self._pieces += 1
        if (now := time.monotonic()) - self._told >= 1:
            self._told = now
            rate = self._pieces / (now - self._began)
            # As high as what it replaces: nothing has to be laid out again.
            told = Content.styled(f"writing, {rate:.0f} a second; Esc stops", "dim")
            self._foot_line.update(told, layout=False)

    async def finish(self, answer: Answer) -> None:
        """The answer is whole, or as far as it came: show everything about it."""
        self.answer = answer
        if self._flow is not None:
            await self._flow.end()
            self._flow = None
        if self._text.source != clean(answer.text):
            await self._text.update(clean(answer.text))
        if not self.is_attached:
            return  # another way through the conversation was taken meanwhile
        if answer.thoughts and not self.query(".thoughts"):
            body = Static(clean(answer.thoughts), classes="thoughts", markup=False)
            await self.mount(Collapsible(body, title="thoughts"), before=self._text)
        if answer.said.calls and not self.query(".calls"):
            calls = [_call(name, arguments) for _, name, arguments in answer.said.calls]
            await self.mount(Vertical(*calls, classes="calls"), after=self._text)
        self._say_who(answer.model or self._speaker)
        self.refresh_foot()

    def refresh_foot(self) -> None:
        """After something was done to the answer."""
        if self.answer is not None:
            self._foot(foot_of(self.answer, self.turn))

    def action_fold(self) -> None:
        folds = list(self.query(Collapsible))
        folded = any(not fold.collapsed for fold in folds)
        for fold in folds:
            fold.collapsed = folded

    def _say_who(self, name: str) -> None:
        self._by.update(Content.styled(line(name, 40) or "persona", "bold $primary"))

    def _foot(self, text: Content) -> None:
        self._foot_line.display = bool(text)
        self._foot_line.update(text)


def foot_of(answer: Answer, turn: Turn) -> Content:
    """Everything about an answer in one line."""
    parts: list[tuple[str, str]] = []
    if len(turn.answers) > 1:
        parts.append((f"‹ {turn.answers.index(answer) + 1} of {len(turn.answers)} ›", "$secondary"))
    if answer.tokens:
        rate = f", {answer.rate:.0f} a second" if answer.rate else ""
        parts.append((f"{answer.tokens} tokens{rate}", "dim"))
    if answer.cut:
        parts.append(("stopped", "$warning"))
    if answer.better is not None:
        parts.append(("✎ your version", "$accent"))
    if answer.picked:
        parts.append(("✓ picked", "$success"))
    for kind, reason in answer.votes[-1:]:
        mark, colour = ("▲ good", "$success") if kind == "up" else ("▼ not good", "$error")
        parts.append((f"{mark}: {line(reason, 60)}" if reason else mark, colour))
    if answer.interaction is None and not answer.cut:
        parts.append(("not kept", "dim"))
    return Content("  ").join(Content.styled(text, style) for text, style in parts)


def _call(name: str, arguments: str) -> Collapsible:
    try:
        pretty = json.dumps(json.loads(arguments), ensure_ascii=False, indent=2)
    except ValueError:
        pretty = arguments
    flat = line(arguments, 48)
    return folded(Static(Content(clean(pretty))), f"⚙ {line(name, 40)}({flat})")


def folded(body: Widget, title: str) -> Collapsible:
    """`body` behind a title that may be foreign text: nothing in it is markup."""
    return Collapsible(body, title=cast("str", Content(title)))  # it takes content wherever it takes text
