"""What comes in on standard input: text, or one line that says that it is none."""

from __future__ import annotations

import io
import sys

from persona.errors import BadInput


def take_every_byte() -> None:
    """Before the first read: bytes that are no text become lone surrogates, which `checked_text` refuses. As
    Python has it, they would end the program, and what stands around them would be lost."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")


def checked_text(given: str, what: str) -> str:
    """`given`; BadInput when bytes in it were no text."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{what} is not UTF-8 text: convert it first") from None
    return given
