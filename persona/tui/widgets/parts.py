"""A long text as parts of a few blocks each, so that what is finished is laid out once.

Laying out costs what there are widgets for, and a text in one piece has all its paragraphs laid out again
with every word that comes. What is far from the window is one widget of the same height.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from persona.tui.clean import clean, markdown_parser
from persona.tui.widgets.markdown import SafeMarkdown

_MOST = 8  # blocks of a part; the last may have a list or a piece of code of any length
_SURE = 4  # letters of a line that say what it begins: "- x" is a list, "-" may become a rule
_NEAR = 1.0  # windows above and below the one that is looked at


class Parts(Vertical):
    """Markdown that grows at its end, or is whole from the start: textual goes on with what was appended.

    Links between its parts are not known to one another.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        first, *more = pieces("", clean(text))
        self._parts = [Part(first), *map(Part, more)]
        self._width = 0
        self._scroll: VerticalScroll | None = None

    def compose(self) -> ComposeResult:
        yield from self._parts

    def on_mount(self) -> None:
        self._scroll = next((each for each in self.ancestors if isinstance(each, VerticalScroll)), None)
        if self._scroll is not None:
            self.watch(self._scroll, "scroll_y", self._look_soon, init=False)
        for part in self._parts[1:]:
            part.join()

    @property
    def source(self) -> str:
        return "".join(part.source for part in self._parts)

    async def append(self, text: str) -> None:
        """More of it, cleaned already; what is there is not drawn again."""
        with self.app.batch_update():  # laid out once
            self._look()  # a scroll that is anchored moves unwatched
            first, *more = pieces(self._parts[-1].source, text)
            if first:
                await self._parts[-1].append(first)
            for piece in more:
                part = Part()
                self._parts.append(part)
                await self.mount(part)
                await part.append(piece)
                part.join()

    async def update(self, text: str) -> None:
        """Another text."""
        with self.app.batch_update():
            first, *others = self._parts
            self._parts = [first]
            for part in others:
                await part.remove()
            first.come_near()
            await first.update("")
            await self.append(clean(text))

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:  # what is far would keep a height that is no longer true
            self._width = event.size.width
            for part in self._parts:
                part.come_near()

    def _look_soon(self) -> None:
        if len(self._parts) > 1:
            self.call_after_refresh(self._look)  # by then it is known where everything stands

    def _look(self) -> None:
        """What came into reach of the window is laid out, what left it is not any more."""
        if self._scroll is None or len(self._parts) == 1 or not self.is_attached:
            return
        window = self._scroll.region
        reach = round(window.height * _NEAR)
        for part in self._parts[:-1]:  # the last one grows
            there = part.region
            if there.bottom < window.y - reach or there.y > window.bottom + reach:
                part.go_far()
            else:
                part.come_near()


class Part(SafeMarkdown):
    """Some blocks of it."""

    is_far = False

    def go_far(self) -> None:
        """Keep the height, and nothing to lay out."""
        if not self.is_far and self.outer_size.height:
            self.is_far = True
            self.styles.height = self.outer_size.height
            self._show_blocks()

    def come_near(self) -> None:
        if self.is_far:
            self.is_far = False
            self.styles.height = "auto"
            self._show_blocks()

    def _show_blocks(self) -> None:
        for block in self.children:  # by hand: a class of the part has all that is in it styled again
            block.display = not self.is_far

    def join(self) -> None:
        """The distance to what stands before is below that."""
        for block in self.children[:1]:
            block.styles.margin = block.styles.margin._replace(top=0)


def pieces(before: str, text: str) -> list[str]:
    """`text` cut where parts begin: the first piece goes on with `before` and may be empty."""
    found = []
    while True:
        at = _cut(before, text)
        found.append(text[:at])
        if at == len(text):
            return found
        before, text = "", text[at:]


def _cut(before: str, text: str) -> int:
    """Where the block begins that is one too many for a part, if it is in `text`; else the length of that."""
    whole = before + text
    if whole.count("\n") < _MOST:  # cheaper than to read it
        return len(text)
    starts = sorted({each.map[0] for each in markdown_parser().parse(whole) if each.level == 0 and each.map})
    lines = whole.splitlines(keepends=True)
    for start in starts[_MOST:]:
        at = sum(map(len, lines[:start])) - len(before)
        sure = lines[start].endswith("\n") or len(lines[start].strip()) >= _SURE
        if at >= 0 and sure:
            return at
    return len(text)
