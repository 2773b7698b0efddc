"""How the reader is addressed, in languages that have two ways: "Sie" and "du", "vous" and "tu"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import StyleChecker
from persona.checker.language import Language
from persona.checker.prose import without_code


def _words(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


# By language and manner. German's "Sie" at the start of a sentence counts before a verb that may be formal:
# "Sie ist" is she or it, and "Sie können" can still be they.
ADDRESSES: Mapping[tuple[str, str], re.Pattern[str]] = {
    ("de", "formal"): re.compile(
        r"(?<=[\w,;)] )(?:Sie|Ihnen|Ihr(?:e[mnrs]?)?)\b|\bSie (?:[a-zäöüß]+(?:en|ern|eln)|sind|tun)\b"
    ),
    ("de", "informal"): _words(r"du|dich|dir|dein(?:e[mnrs]?)?"),
    ("fr", "formal"): _words(r"vous|votre|vos"),
    ("fr", "informal"): _words(r"tu|toi|te"),
    ("es", "formal"): _words(r"usted(?:es)?"),
    ("es", "informal"): _words(r"tú|ti|te|contigo"),
    ("nl", "formal"): _words(r"u|uw"),
    ("nl", "informal"): _words(r"je|jij|jou|jouw"),
}
_SAID = {
    ("de", "formal"): "Sie", ("de", "informal"): "du",
    ("fr", "formal"): "vous", ("fr", "informal"): "tu",
    ("es", "formal"): "usted", ("es", "informal"): "tú",
    ("nl", "formal"): "u", ("nl", "informal"): "je",
}  # fmt: skip
_OTHER = {"formal": "informal", "informal": "formal"}


@dataclass(frozen=True, kw_only=True)
class Address(StyleChecker):
    """In the language `code` the reader is addressed in this manner ("formal", "informal"), and not in the
    other. An answer that addresses nobody does not keep it.
    """

    kind: ClassVar[str] = "address"
    code: str
    manner: str

    def __post_init__(self) -> None:
        if (self.code, self.manner) not in ADDRESSES:
            known = ", ".join(f"{code} {manner}" for code, manner in ADDRESSES)
            raise ValueError(f"checker {self.kind!r}: {self.code} {self.manner} is none of {known}")

    @property
    def word(self) -> str:
        """The one that stands for the manner: “Sie”."""
        return _SAID[self.code, self.manner]

    def holds(self, text: str) -> bool:
        seen = without_code(text)
        own, other = (ADDRESSES[self.code, manner] for manner in (self.manner, _OTHER[self.manner]))
        if own.search(seen) is None or other.search(seen) is not None:
            return False
        return Language(code=self.code).holds(text)  # "te" is a word of more than one

    def describe(self) -> str:
        return f"with “{self.word}”"
