"""Foreign text: whatever a model writes reaches the terminal as text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static

from persona.tui.clean import Cleaner, clean, line, markdown_parser
from persona.tui.widgets.markdown import SafeMarkdown
from persona.tui.widgets.turns import folded

HOSTILE = (
    "\x1b[2J",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\",
    "\x9b31m",
    "\u202egnirts",
    "\u2066x\u2069",
    "[bold red]x[/]",
    "[@click=app.quit]x[/]",
    "&#x202e;&#27;[2J",
    "<b>x</b>",
    "[t](javascript:x)",
    "\r\n",
    "\r",
    "\ud800",
    "\x00",
    "```\n\x1b[0m\n```",
    "| a |\n|---|\n| \x1b |",
    "\u2028",
    "\x85",
)
PARTS = (*HOSTILE, *map(chr, range(0x100)), *"\u200b\u200d\u202a\u2067\ufeff\ufffa\U000e0001\udfff👩שア")
TEXTS = st.binary(
    max_size=40
).map(  # far quicker to draw than texts, and every pair of bytes is a part
    lambda drawn: "".join(
        PARTS[(a << 8 | b) % len(PARTS)] for a, b in zip(drawn[::2], drawn[1::2], strict=False)
    )
)
FOREIGN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ud800-\udfff]")


@settings(max_examples=1000, deadline=None)
@given(st.tuples(*[TEXTS] * 5))  # 5000 strings: drawing several at once is what costs least
@example(("".join(HOSTILE),) * 5)
def test_nothing_foreign_is_left(texts: tuple[str, ...]) -> None:
    """No control character but newline and tab, nothing that turns the direction, and UTF-8 can spell it."""
    for text in texts:
        said = clean(text)
        assert FOREIGN.search(said) is None
        assert said == clean(said)
        said.encode()
        assert "\n" not in line(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=5))
def test_pieces_come_out_as_the_whole(pieces: list[str]) -> None:
    """Wherever a text is cut, it is cleaned to the same."""
    cleaner = Cleaner()
    said = "".join([*map(cleaner.feed, pieces), cleaner.finish()])
    assert clean("".join(pieces)) == said


def test_plain_text_stays() -> None:
    """What is harmless is not touched: scripts of every direction, emoji of several parts, tabs."""
    text = "Grüße, שלום, 你好, 👩‍👩‍👧\tand [brackets] <tags>\n"
    assert text == clean(text)


def test_entities_are_cleaned_too() -> None:
    """What markdown decodes after the cleaning is cleaned as well."""
    tokens = markdown_parser().parse("&#x202e; `a` [x](http://e/&#x202e;)")
    (inline,) = [token for token in tokens if token.type == "inline"]
    assert all(FOREIGN.search(child.content) is None for child in inline.children or ())


class Page(App[None]):
    """Everything foreign in every place that shows it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.foreign = text

    def compose(self) -> ComposeResult:
        yield SafeMarkdown(self.foreign)
        yield Static(Content(clean(self.foreign)))
        yield folded(Static(Content(clean(self.foreign))), line(self.foreign))


def written(strips: list[Strip]) -> str:
    """What a terminal would get, without what the toolkit writes for its own colours."""
    raw = "".join(segment.text for strip in strips for segment in strip)
    links = [segment.style.link for strip in strips for segment in strip if segment.style]
    assert [None] * len(links) == links, "a link of the terminal's own was written"
    return raw


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["\n\n".join(HOSTILE[:-1]), "".join(HOSTILE[:8])])
async def test_what_the_screen_writes(text: str) -> None:
    """In markdown, plain text and titles: no foreign control byte, no link of the terminal, tags as text."""
    app = Page(text)
    async with app.run_test(size=(80, 120)) as pilot:
        await pilot.pause()
        shown = written(app.screen._compositor.render_strips())
        assert FOREIGN.search(shown) is None
        assert "[bold red]" in shown
        assert "[@click=app.quit]" in shown
        assert app.screen.region == Region(0, 0, 80, 120)
