"""Words that an answer must have, or must not have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from persona.checker.contract import StyleChecker, require_text
from persona.checker.prose import without_sentences


@lru_cache(maxsize=256)
def _whole(text: str) -> re.Pattern[str]:
    text = text.strip()
    left = r"(?<!\w)" if text[0].isalnum() else ""
    right = r"(?!\w)" if text[-1].isalnum() else ""
    body = r"\s+".join(re.escape(part) for part in text.split())
    return re.compile(left + body + right, re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Contains(StyleChecker):
    """The answer has `text`, as whole words, in upper or lower case."""

    kind: ClassVar[str] = "contains"
    text: str

    def __post_init__(self) -> None:
        require_text(self.kind, "text", self.text)

    def holds(self, text: str) -> bool:
        return _whole(self.text).search(text) is not None

    def describe(self) -> str:
        return f"says “{self.text}”"


@dataclass(frozen=True, kw_only=True)
class Avoids(StyleChecker):
    """The answer does not have `text`, as whole words, in upper or lower case."""

    kind: ClassVar[str] = "avoids"
    text: str

    def __post_init__(self) -> None:
        require_text(self.kind, "text", self.text)

    def holds(self, text: str) -> bool:
        return _whole(self.text).search(text) is None

    def describe(self) -> str:
        return f"never says “{self.text}”"

    def _reworked(self, content: str) -> str | None:
        return without_sentences(content, lambda text: not self.holds(text))
