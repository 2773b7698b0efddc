"""The structure of an answer: headings, numbered lists, code blocks, bold text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from persona.checker.contract import StyleChecker
from persona.checker.prose import (
    fenced,
    headings,
    listed,
    numbered,
    relisted,
    sentence_texts,
    unheaded_line,
    unlisted,
    without_code,
)

_BOLD = re.compile(
    r"(?<![*\w])\*\*(?=\S)[^*\n]+?(?<=\S)\*\*(?![*\w])|(?<![_\w])__(?=\S)[^_\n]+?(?<=\S)__(?![_\w])"
)


_AFTER_BOLD = ".:!? "
# Code, tables, formulas, tasks, and lines without a word are no sentence to put in bold.
_NO_LEAD = re.compile(r"`|__|~~~|\$\$|^\s*\||^ {4}|^\s*[-*+]\s*\[|\A\W*\Z")


def bold(text: str) -> int:
    """How many stretches of bold text there are."""
    return sum(1 for _ in _BOLD.finditer(without_code(text)))


def _plain(text: str) -> str:
    return _BOLD.sub(lambda found: found[0][2:-2], text)


@dataclass(frozen=True, kw_only=True)
class Headings(StyleChecker):
    """At least one Markdown heading."""

    kind: ClassVar[str] = "headings"

    def holds(self, text: str) -> bool:
        return headings(text) > 0

    def describe(self) -> str:
        return "with headings"


@dataclass(frozen=True, kw_only=True)
class Numbered(StyleChecker):
    """At least two numbered items."""

    kind: ClassVar[str] = "numbered"

    def holds(self, text: str) -> bool:
        return numbered(text) > 1

    def describe(self) -> str:
        return "a numbered list"

    def _reworked(self, content: str) -> str | None:
        return listed(content, map("{}.".format, count(1)))


@dataclass(frozen=True, kw_only=True)
class CodeBlock(StyleChecker):
    """At least one fenced block of code."""

    kind: ClassVar[str] = "code_block"

    def holds(self, text: str) -> bool:
        return bool(fenced(text))

    def describe(self) -> str:
        return "code in a block"


@dataclass(frozen=True, kw_only=True)
class NoCodeBlock(StyleChecker):
    """No fenced block of code."""

    kind: ClassVar[str] = "no_code_block"

    def holds(self, text: str) -> bool:
        return not fenced(text)

    def describe(self) -> str:
        return "no code blocks"


@dataclass(frozen=True, kw_only=True)
class Bold(StyleChecker):
    """At least one stretch of bold text."""

    kind: ClassVar[str] = "bold"

    def holds(self, text: str) -> bool:
        return bold(text) > 0

    def describe(self) -> str:
        return "with bold text"


@dataclass(frozen=True, kw_only=True)
class BoldLead(StyleChecker):
    """The first line is bold, all of it: what matters most, before the rest."""

    kind: ClassVar[str] = "bold_lead"

    def holds(self, text: str) -> bool:
        first, *_ = text.strip().split("\n", 1)
        return _BOLD.fullmatch(first.strip().rstrip(_AFTER_BOLD)) is not None

    def describe(self) -> str:
        return "the first line in bold"

    def _reworked(self, content: str) -> str | None:
        """The first sentence goes on a line of its own; an item of a list that it was leads the others."""
        first, *rest = content.strip().split("\n")
        underlined = headings("\n".join([first, *rest[:1]])) > headings(first)
        if _NO_LEAD.search(first) or underlined:
            return None
        if numbered(first):
            rest = relisted(rest)
        lead, *more = sentence_texts(unheaded_line(unlisted(_plain(first)))) or [""]
        return "\n".join([f"**{lead}**", *([" ".join(more)] if more else []), *rest])


@dataclass(frozen=True, kw_only=True)
class NoBold(StyleChecker):
    """No bold text."""

    kind: ClassVar[str] = "no_bold"

    def holds(self, text: str) -> bool:
        return bold(text) == 0

    def describe(self) -> str:
        return "no bold text"

    def _reworked(self, content: str) -> str | None:
        return _plain(content)
