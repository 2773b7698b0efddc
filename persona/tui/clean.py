"""Foreign text made harmless: what a model or a stranger wrote reaches the terminal as text, never as orders.

Invariant: cleaned text holds no control character but newline and tab, nothing that reorders what is read,
and nothing that UTF-8 cannot spell; cleaning it again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1: escape sequences begin with one of these
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # the order of reading
    "\ufff9-\ufffb"  # annotations that terminals hide
    "\U000e0001\ud800-\udfff]"
)
_LINE_ENDS = re.compile("\r\n|[\u2028\u2029]")


def clean(text: str) -> str:
    """`text` with all that could steer a terminal shown as its escape (\\x1b, \\u202e)."""
    return _HOSTILE.sub(lambda found: _shown(found[0]), _LINE_ENDS.sub("\n", text))


def _shown(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


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
    flat = " ".join(clean(text[: most * 8]).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def markdown_parser() -> MarkdownIt:
    """Reads markdown whose tags are text, and cleans what entities such as &#x202e; stand for."""
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
