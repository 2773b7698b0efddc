"""Text of models and strangers, so that it reaches its reader as text, and never as orders."""

from __future__ import annotations

import re

_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1: escape sequences begin with one of these
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # the order of reading
    "\ufff9-\ufffb"  # annotations that terminals hide
    "\U000e0001\ud800-\udfff]"  # a language tag; what UTF-8 cannot spell
)


def visible(text: str) -> str:
    """`text` with all that could steer a terminal or turn the order of reading shown as its escape (\\x1b,
    \\u202e), newline and tab excepted. Doing so again changes nothing."""
    return _HOSTILE.sub(lambda found: _escape(found[0]), text)


def one_line(text: str, most: int) -> str:
    """`text` on one line, of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def visible_line(text: str, most: int) -> str:
    """`visible`, on one line of at most `most` characters."""
    return one_line(visible(text), most)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
