"""Finding a literal text at the start or the end of an answer, as a reader would see it there.

Typographic variants of quotes, dashes and dots, upper and lower case, line breaks and emphasis around the
literal make no difference; a letter or digit right beside it does.
"""

from __future__ import annotations

import re
from functools import lru_cache

_QUOTES = '["“”„«»]'
_APOSTROPHES = "['’‘ʼ]"
_DASHES = "[-‐‑–—]"
_VARIANTS = {
    **dict.fromkeys('"“”„«»', _QUOTES),
    **dict.fromkeys("'’‘ʼ", _APOSTROPHES),
    **dict.fromkeys("-‐‑–—", _DASHES),
    "…": r"(?:…|\.\.\.)",
}
_MARKUP = r"[\s*_\"'“”‘’()>]*"
_ROOM = 200  # how much markup may follow a closing; it keeps the search short on any text


@lru_cache(maxsize=256)
def _core(literal: str) -> str:
    plain = " ".join(literal.replace("...", "…").split())
    return "".join(r"\s+" if char == " " else _VARIANTS.get(char, re.escape(char)) for char in plain)


@lru_cache(maxsize=256)
def _ending(literal: str) -> re.Pattern[str]:
    left = r"(?<!\w)" if literal[0].isalnum() else ""
    loose = r"[.!…]?" if literal[-1].isalnum() else ""
    return re.compile(f"{left}(?P<literal>{_core(literal)}{loose})(?P<rest>{_MARKUP})\\Z", re.IGNORECASE)


@lru_cache(maxsize=256)
def _starting(literal: str) -> re.Pattern[str]:
    right = r"(?!\w)" if literal[-1].isalnum() else ""
    return re.compile(f"\\A(?P<rest>{_MARKUP})(?P<literal>{_core(literal)}){right}", re.IGNORECASE)


def at_end(text: str, literal: str) -> re.Match[str] | None:
    """Where the text ends with the literal: group "literal" is it, group "rest" the markup after it."""
    text, literal = text.rstrip(), literal.strip()
    return _ending(literal).search(text, max(0, len(text) - 4 * len(literal) - _ROOM))


def at_start(text: str, literal: str) -> re.Match[str] | None:
    """Where the text starts with the literal: group "literal" is it, group "rest" the markup before it."""
    return _starting(literal.strip()).match(text)


def without_edges(text: str, literals: tuple[str, ...]) -> str:
    """The text without these literals at its start and its end, each taken off once at either side."""
    for literal in literals:
        if found := at_end(text, literal):
            text = text[: found.start("literal")]
        if found := at_start(text, literal):
            text = text[found.end("literal") :]
    return text
