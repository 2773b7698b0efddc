"""Foreign text made harmless: what a model or a stranger wrote reaches the terminal as text, never as orders.

Invariant: cleaned text holds no control character but newline and tab, nothing that reorders what is read,
and nothing that UTF-8 cannot spell; cleaning it again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from persona.visible import one_line, visible

_LINE_ENDS = re.compile("\r\n|[\u2028\u2029]")


def clean(text: str) -> str:
    """`text` with all that could steer a terminal shown as its escape, and every line end a newline."""
    return visible(_LINE_ENDS.sub("\n", text))


class Cleaner:
    """The same for a text that comes in pieces: a line end that is cut in two is still one."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        text, self._held = self._held + piece, ""
        if text.endswith("\r"):
            text, self._held = text[:-1], "\r"
        return clean(text)

    def finish(self) -> str:
        text, self._held = self._held, ""
        return clean(text)


def line(text: str, most: int = 200) -> str:
    """`text` clean and on one line, of at most `most` characters."""
    return one_line(clean(text[: most * 8]), most)


@cache
def markdown_parser() -> MarkdownIt:
    """Reads markdown whose tags are text, and cleans what entities such as &#x202e; stand for. One for all:
    it remembers nothing of what it read."""
    parser = MarkdownIt("gfm-like", {"html": False})
    parser.core.ruler.push("clean", _clean_tokens)
    return parser


def _clean_tokens(state: StateCore) -> None:
    for token in _every(state.tokens):
        token.content = clean(token.content)
        token.info = clean(token.info)
        token.attrs = {
            name: clean(value) if isinstance(value, str) else value for name, value in token.attrs.items()
        }


def _every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _every(token.children or [])
