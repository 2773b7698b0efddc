"""Text as the tables of languages are written against: lower case, without accents."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"\s+")


def fold(text: str) -> str:
    """Lower case, without accents, with plain apostrophes and single spaces. Patterns fold like texts do."""
    if text.isascii():
        return _SPACE.sub(" ", text.lower()).strip()
    even = unicodedata.normalize(
        "NFKD", text.replace("’", "'").replace("´", "'").replace("¿", "").replace("¡", "")
    ).casefold()
    bare = "".join(letter for letter in even if not unicodedata.combining(letter))
    return _SPACE.sub(" ", bare).strip()
