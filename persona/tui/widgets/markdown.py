"""Markdown that a model wrote: shown with its form, and with nothing in it that acts."""

from __future__ import annotations

from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownStream

from persona.tui.clean import Cleaner, clean, line, markdown_parser


class SafeMarkdown(Markdown):
    """Links are shown, never followed: a click says where one leads."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(
            clean(text), id=id, classes=classes, parser_factory=markdown_parser, open_links=False
        )

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        event.stop()
        self.app.notify(f"the link leads to {line(event.href)}", markup=False)


class Flow:
    """A text that arrives in pieces, shown as fast as the screen can take it and never redrawn from its
    beginning."""

    def __init__(self, markdown: SafeMarkdown) -> None:
        self._cleaner = Cleaner()
        self._stream: MarkdownStream = Markdown.get_stream(markdown)

    async def write(self, piece: str) -> None:
        await self._stream.write(self._cleaner.feed(piece))

    async def end(self) -> None:
        await self._stream.write(self._cleaner.finish())
        await self._stream.stop()
