"""Markdown that a model wrote: shown with its form, and with nothing in it that acts."""

from __future__ import annotations

from collections.abc import Iterable

from markdown_it.token import Token
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock

from persona.tui.clean import clean, line, markdown_parser
from persona.tui.widgets.lists import flat


class SafeMarkdown(Markdown):
    """Links are shown, never followed: a click says where one leads."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(
            clean(text), id=id, classes=classes, parser_factory=markdown_parser, open_links=False
        )

    def _parse_markdown(self, tokens: Iterable[Token]) -> Iterable[MarkdownBlock]:
        return (flat(self, block) for block in super()._parse_markdown(tokens))

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        event.stop()
        self.app.notify(f"the link leads to {line(event.href)}", markup=False)
