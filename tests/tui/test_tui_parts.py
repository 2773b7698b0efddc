"""A long answer is kept in parts and its lists in one widget each: that changes nothing of what is seen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Offset
from textual.selection import Selection
from textual.widget import Widget
from textual.widgets import Markdown

from persona.tui.widgets.lists import FlatList
from persona.tui.widgets.markdown import SafeMarkdown
from persona.tui.widgets.parts import Parts, pieces

SIZE = (60, 24)
BLOCKS = (
    "The keeper climbed the stairs, as on *every* evening, and lit the **lamp** before the fog came in.",
    "- a rope of forty metres, and so many other things that they do not stand on one line\n- `oil`\n- bread",
    "3. three\n4. four",
    "- out\n  - in\n    1. deep\n- out again",
    "- a paragraph\n\n  and another of the same item\n- end",
    "```python\ndef lamp(hours):\n    return hours\n```",
    "## The next day",
    "> quoted",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "Nobody had asked for it.",
    "- [ ] to do\n- x\n  ```\n  code\n  ```",
)
DOCUMENT = "\n\n".join(BLOCKS * 3)
LISTS = [block for block in BLOCKS if block[0] in "-3"]
TEXTS = st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=40).map("\n\n".join)


class Page(App[None]):
    """One widget below a scroll."""

    CSS = "Parts { height: auto; } Part { padding: 0 1 0 2; } SafeMarkdown { padding: 0 1 0 2; }"

    def __init__(self, shown: Widget) -> None:
        super().__init__()
        self.shown = shown

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield self.shown

    @property
    def scroll(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)


def lines(app: App[None]) -> list[str]:
    """What stands on the screen, without the scrollbar."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[: SIZE[0] - 3].rstrip() for strip in strips]


async def seen(shown: Widget, height: int) -> list[str]:
    app = Page(shown)
    async with app.run_test(size=(SIZE[0], height)) as pilot:
        await pilot.pause()
        return lines(app)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 200))
def test_nothing_is_lost_between_pieces(text: str, size: int) -> None:
    """However a text arrives, its pieces are the text; all but the last have few blocks."""
    found = [""]
    for at in range(0, len(text), size):
        first, *more = pieces(found[-1], text[at : at + size])
        found[-1] += first
        found += more
    assert "".join(found) == text
    assert all(piece.strip() for piece in found)


def test_a_line_that_may_become_anything_begins_no_part() -> None:
    """A dash may become a list, which goes on with the one before, or a rule."""
    before = "\n\n".join(["word"] * 8) + "\n\n"
    assert pieces(before, "-") == ["-"]
    assert pieces(before, "no more") == ["", "no more"]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [7, 90, 5000])
async def test_parts_show_what_one_piece_shows(size: int) -> None:
    """A text that came in pieces of any size looks as if it had been drawn at once."""
    app = Page(Parts())
    async with app.run_test(size=(SIZE[0], 200)) as pilot:
        parts = app.query_one(Parts)
        for at in range(0, len(DOCUMENT), size):
            await parts.append(DOCUMENT[at : at + size])
        await pilot.pause()
        shown = lines(app)
        assert parts.source == DOCUMENT
        assert len(parts.children) > 2
    assert shown == await seen(SafeMarkdown(DOCUMENT), 200)
    assert shown == await seen(Parts(DOCUMENT), 200)


@pytest.mark.anyio
@pytest.mark.parametrize("text", LISTS)
async def test_a_list_in_one_widget_looks_like_textuals(text: str) -> None:
    """Marks, numbers, indents and what stands below a long line are those of the library's own widgets."""
    assert await seen(SafeMarkdown(text), 30) == await seen(Markdown(text), 30)


@pytest.mark.anyio
async def test_a_list_that_grows_is_not_made_anew() -> None:
    """Another item is drawn into the widget that is there; the mouse selects its lines."""
    markdown = SafeMarkdown()
    app = Page(markdown)
    async with app.run_test(size=SIZE) as pilot:
        await markdown.append("- one\n- two")
        shown = app.query_one(FlatList)
        await markdown.append("\n- three")
        await pilot.pause()
        assert app.query_one(FlatList) is shown
        assert [line.strip() for line in lines(app)[:3]] == ["• one", "• two", "• three"]
        selected = shown.get_selection(Selection(Offset(2, 1), None))
        assert selected == ("two\n• three", "\n")


@pytest.mark.anyio
async def test_what_is_far_costs_no_layout_and_comes_back() -> None:
    """Parts far above the window are empty and keep their height; whoever scrolls there finds them, and a
    terminal of another width has them laid out anew."""
    app = Page(Parts())
    async with app.run_test(size=SIZE) as pilot:
        parts = app.query_one(Parts)
        app.scroll.anchor()
        for _ in range(4):
            await parts.append(DOCUMENT + "\n\n")
            await pilot.pause()
        await parts.append("the end")
        await pilot.pause()
        height = app.scroll.virtual_size.height
        laid_out = [part for part in parts.children if any(block.display for block in part.children)]
        assert 1 <= len(laid_out) < len(parts.children) / 2
        assert "the end" in "\n".join(lines(app))
        app.scroll.scroll_home(animate=False)
        await pilot.pause()
        await pilot.pause()
        assert "The keeper climbed" in lines(app)[0]
        assert app.scroll.virtual_size.height == height
        await pilot.resize_terminal(40, 24)
        await pilot.pause()
        assert all(block.display for part in parts.children for block in part.children)


@pytest.mark.anyio
async def test_another_text_leaves_nothing_of_the_one_before() -> None:
    """`update` shows the new text alone, cleaned, in as many parts as it takes."""
    app = Page(Parts(DOCUMENT))
    async with app.run_test(size=SIZE) as pilot:
        parts = app.query_one(Parts)
        await parts.update("short\x1b[2J")
        await pilot.pause()
        assert parts.source == "short\\x1b[2J"
        assert len(parts.children) == 1
        await parts.update(DOCUMENT)
        await pilot.pause()
        assert parts.source == DOCUMENT


@pytest.mark.anyio
async def test_pieces_of_every_size_end_alike() -> None:
    """Sizes drawn at random, as they come from a line that is slow at times."""
    random.seed(4)
    app = Page(Parts())
    async with app.run_test(size=SIZE) as pilot:
        parts, at = app.query_one(Parts), 0
        while at < len(DOCUMENT):
            size = random.choice((1, 3, 40, 400))
            await parts.append(DOCUMENT[at : at + size])
            at += size
        await pilot.pause()
        assert parts.source == DOCUMENT
