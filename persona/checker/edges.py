"""How an answer starts and how it ends: literal openings and closings.

Only these can amend: the old literal gives way to the new one and every other character stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import Checker, StyleChecker, require_text
from persona.checker.literal import at_end, at_start


@dataclass(frozen=True, kw_only=True)
class _Literal(StyleChecker):
    text: str

    def __post_init__(self) -> None:
        require_text(self.kind, "text", self.text)

    def _kept(self, amended: str) -> str | None:
        """Where letters run together with those beside the old literal, there is no amending."""
        return amended if self.holds(amended) else None


@dataclass(frozen=True, kw_only=True)
class Closing(_Literal):
    """The answer ends with `text`."""

    kind: ClassVar[str] = "closing"

    def holds(self, text: str) -> bool:
        return at_end(text, self.text) is not None

    def describe(self) -> str:
        return f"ends with “{self.text}”"

    def amend(self, content: str, *, superseded: Checker) -> str | None:
        if not isinstance(superseded, Closing):
            return None
        found = at_end(content, superseded.text)
        if found is None or self.holds(content):
            return None
        return self._kept(content[: found.start("literal")] + self.text + found["rest"].rstrip())


@dataclass(frozen=True, kw_only=True)
class Opening(_Literal):
    """The answer starts with `text`."""

    kind: ClassVar[str] = "opening"

    def holds(self, text: str) -> bool:
        return at_start(text, self.text) is not None

    def describe(self) -> str:
        return f"starts with “{self.text}”"

    def amend(self, content: str, *, superseded: Checker) -> str | None:
        if not isinstance(superseded, Opening):
            return None
        found = at_start(content, superseded.text)
        if found is None or self.holds(content):
            return None
        return self._kept(found["rest"] + self.text + content[found.end("literal") :])
