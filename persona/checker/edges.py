"""How an answer starts and how it ends: literal openings and closings, wanted or given up.

Only these can amend: the old literal gives way to the new one, or to nothing, and every other character
stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from persona.checker.contract import Checker, StyleChecker, require_text
from persona.checker.literal import at_end, at_start

_PARAGRAPH = "\n\n"


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

    def _reworked(self, content: str) -> str | None:
        body = content.rstrip()
        ends_in_prose = "\n" not in body and not body.endswith("`")
        return f"{body}{' ' if ends_in_prose else _PARAGRAPH}{self.text}"

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

    def _reworked(self, content: str) -> str | None:
        return f"{self.text} {content.lstrip()}"

    def amend(self, content: str, *, superseded: Checker) -> str | None:
        if not isinstance(superseded, Opening):
            return None
        found = at_start(content, superseded.text)
        if found is None or self.holds(content):
            return None
        return self._kept(found["rest"] + self.text + content[found.end("literal") :])


@dataclass(frozen=True, kw_only=True)
class _GivenUp(StyleChecker):
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.texts, (list, tuple)):
            raise ValueError(f"checker {self.kind!r}: texts must be a list")  # noqa: TRY004  # one error for all
        object.__setattr__(self, "texts", tuple(self.texts))
        for text in self.texts:
            require_text(self.kind, "texts", text)

    def knowing(self, texts: Iterable[str]) -> Self:
        """This checker with more literals that were in use before."""
        return replace(self, texts=tuple(dict.fromkeys((*self.texts, *texts))))

    def _kept(self, amended: str) -> str | None:
        return amended if amended.strip() and self.holds(amended) else None


@dataclass(frozen=True, kw_only=True)
class NoClosing(_GivenUp):
    """The answer does not end with any of `texts`, the closings that were in use."""

    kind: ClassVar[str] = "no_closing"

    def holds(self, text: str) -> bool:
        return not any(at_end(text, literal) for literal in self.texts)

    def describe(self) -> str:
        return "no closing line"

    def amend(self, content: str, *, superseded: Checker) -> str | None:
        found = at_end(content, superseded.text) if isinstance(superseded, Closing) else None
        return self._kept(content[: found.start("literal")].rstrip(" \n*_")) if found else None


@dataclass(frozen=True, kw_only=True)
class NoOpening(_GivenUp):
    """The answer does not start with any of `texts`, the openings that were in use."""

    kind: ClassVar[str] = "no_opening"

    def holds(self, text: str) -> bool:
        return not any(at_start(text, literal) for literal in self.texts)

    def describe(self) -> str:
        return "no opening line"

    def amend(self, content: str, *, superseded: Checker) -> str | None:
        found = at_start(content, superseded.text) if isinstance(superseded, Opening) else None
        return self._kept(content[found.end("literal") :].lstrip(" \n*_,")) if found else None
