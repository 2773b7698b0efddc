"""The conversation as it scrolls: the turns that are near are there, the others come when they are gone to.

However long a conversation is, opening it costs what a screenful costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from persona.thread import Answer, Thread, Turn
from persona.tui.widgets.turns import AnswerView, QuestionView

_NEAR = 12  # turns that are shown at first, and more of them whenever an end is reached
_EDGE = 2  # lines from an end, where more is fetched


class Transcript(VerticalScroll, can_focus=False):
    """`show` a thread; the window on it grows as the user moves."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.said = Vertical(id="said")  # never lower than the screen: an anchored scroll has nowhere else
        self._above = Static(classes="more")
        self._below = Static(classes="more")
        self._thread = Thread()
        self._turns: list[Turn] = []
        self._first = self._last = 0  # of `_turns`, the window
        self._changing = asyncio.Lock()  # one at a time changes what is shown

    def compose(self) -> ComposeResult:
        yield self._above
        yield self.said
        yield self._below

    async def show(self, thread: Thread, *, at: Turn | None = None, empty: Widget | None = None) -> None:
        """The way of `thread` that is chosen now: around `at`, or its end. `empty` is shown while there is
        none. What is there already stays as it is."""
        async with self._changing:
            turns = list(thread.path())
            if not (thread is self._thread and at is None and await self._go_on(turns)):
                self._thread, self._turns = thread, turns
                await self._show_window(at, empty)
        self.anchor()
        self._fill()

    async def _go_on(self, turns: list[Turn]) -> bool:
        """Show what came behind what is shown; False when that is not all that changed."""
        shown = self._shown()
        last = self._first + len(shown)
        if not shown or last < self._last or len(turns) > last + _NEAR:
            return False
        if shown != [(turn, turn.answer) for turn in turns[self._first : last]]:
            return False
        for view in self.said.query(AnswerView):
            view.refresh_foot()
        self._turns, self._last = turns, len(turns)
        await self.said.mount_all(self._views(turns[last:]))
        self._say_more()
        return True

    def _shown(self) -> list[tuple[Turn, Answer | None]]:
        shown: list[tuple[Turn, Answer | None]] = []
        for view in self.said.children:
            if isinstance(view, QuestionView):
                shown.append((view.turn, None))
            elif isinstance(view, AnswerView) and shown and shown[-1] == (view.turn, None):
                shown[-1] = (view.turn, view.answer)
        return shown

    async def _show_window(self, at: Turn | None, empty: Widget | None) -> None:
        count = len(self._turns)
        place = next((n for n, turn in enumerate(self._turns) if turn is at), count)
        self._first = max(0, min(place - _NEAR // 2, count - _NEAR))
        self._last = min(count, self._first + _NEAR)
        views = self._views(self._turns[self._first : self._last])
        with self.app.batch_update():
            await self.said.remove_children()
            await self.said.mount_all(views or ([empty] if empty is not None else []))
            self._say_more()

    async def earlier(self, then: Callable[[], object] = lambda: None) -> bool:
        """More of what was said before; whether there was any. `then` is done once it is laid out."""
        async with self._changing:
            if self._first == 0:
                return False
            first = max(0, self._first - _NEAR)
            views = self._views(self._turns[first : self._first])
            self._first = first
            below = self.virtual_size.height - self.scroll_y
            await self.said.mount_all(views, before=0)
            self._say_more()
        self.call_after_refresh(self._keep_place, below, then)
        return True

    async def later(self) -> bool:
        """More of what was said after; whether there was any."""
        async with self._changing:
            if self._last == len(self._turns):
                return False
            last = min(len(self._turns), self._last + _NEAR)
            views = self._views(self._turns[self._last : last])
            self._last = last
            await self.said.mount_all(views)
            self._say_more()
        return True

    async def begin(self, turn: Turn, view: AnswerView) -> None:
        """An answer to `turn`, live; what is behind its question goes from the screen."""
        async with self._changing:
            if not any(isinstance(each, QuestionView) and each.turn is turn for each in self.said.children):
                await self._show_window(turn, None)
            behind = False
            for each in list(self.said.children):
                if behind and isinstance(each, AnswerView | QuestionView):
                    await each.remove()
                behind = behind or (isinstance(each, QuestionView) and each.turn is turn)
            if turn in self._turns:
                del self._turns[self._turns.index(turn) + 1 :]
                self._last = len(self._turns)
                self._say_more()
            await self.said.mount(view)
        self.anchor()

    def view_of(self, answer: Answer) -> AnswerView | None:
        return next((view for view in self.query(AnswerView) if view.answer is answer), None)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and new_value <= _EDGE and self._first > 0:
            self._grow(up=True)
        behind = self._last < len(self._turns)
        if behind and new_value > old_value and new_value >= self.max_scroll_y - _EDGE:
            self._grow(up=False)

    @work(group="window")
    async def _grow(self, *, up: bool) -> None:
        if not self._changing.locked():
            await (self.earlier() if up else self.later())

    def _fill(self) -> None:
        """A terminal that is higher than what is shown has room for more."""
        if self._first > 0:
            self.call_after_refresh(lambda: self.max_scroll_y > 0 or self._grow(up=True))

    def _keep_place(self, below: float, then: Callable[[], object]) -> None:
        """What was looked at stays where it was when more came above it."""
        self.scroll_to(y=self.virtual_size.height - below, animate=False, immediate=True)
        then()

    def _views(self, turns: list[Turn]) -> list[Widget]:
        views: list[Widget] = []
        for turn in turns:
            views.append(QuestionView(turn, self._thread.siblings(turn)))
            if turn.answer is not None:
                views.append(AnswerView(turn, turn.answer))
        return views

    def _say_more(self) -> None:
        for line, count, word in (
            (self._above, self._first, "earlier"),
            (self._below, len(self._turns) - self._last, "later"),
        ):
            line.display = count > 0
            line.update(Content.styled(f"{count} {word}", "dim"))
