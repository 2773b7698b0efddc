"""The form of an answer: emoji, headings, lists, exclamation marks. Code blocks are never looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar

from persona.checker.contract import RestrictiveChecker, StyleChecker
from persona.checker.literal import without_edges
from persona.checker.prose import bullets, headings, listed, numbered, unheaded, unlisted, without_code

# Check marks and arrows that text fonts carry are no emoji, unless the emoji selector follows.
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u231a\u231b\u23e9-\u23f3\u2614\u2615\u2648-\u2653\u267f"
    "\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2-\u26f5\u26fa\u26fd\u2600-\u2603"
    "\u2639\u263a\u2665\u2705\u270a-\u270d\u2728\u274c\u274e\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27b0"
    "\u2b50\u2b55]|[\u0023-\u0039\u2190-\u2bff]\ufe0f"
)


@dataclass(frozen=True, kw_only=True)
class NoEmoji(RestrictiveChecker):
    """No emoji, but for those of the literals in `ignoring` at the edges of the answer."""

    kind: ClassVar[str] = "no_emoji"

    def holds(self, text: str) -> bool:
        return _EMOJI.search(without_code(without_edges(text, self.ignoring))) is None

    def describe(self) -> str:
        return "no emoji"

    def _reworked(self, content: str) -> str | None:
        return re.sub(r"[ \t]{2,}", " ", _EMOJI.sub("", content)).strip()


@dataclass(frozen=True, kw_only=True)
class Emoji(StyleChecker):
    """At least one emoji."""

    kind: ClassVar[str] = "emoji"

    def holds(self, text: str) -> bool:
        return _EMOJI.search(without_code(text)) is not None

    def describe(self) -> str:
        return "with emoji"


@dataclass(frozen=True, kw_only=True)
class NoHeadings(StyleChecker):
    """No Markdown headings."""

    kind: ClassVar[str] = "no_headings"

    def holds(self, text: str) -> bool:
        return headings(text) == 0

    def describe(self) -> str:
        return "no headings"

    def _reworked(self, content: str) -> str | None:
        return unheaded(content)


@dataclass(frozen=True, kw_only=True)
class NoLists(StyleChecker):
    """No bulleted item, and no two numbered ones (a single "3. " may be a date)."""

    kind: ClassVar[str] = "no_lists"

    def holds(self, text: str) -> bool:
        return bullets(text) == 0 and numbered(text) < 2

    def describe(self) -> str:
        return "no lists"

    def _reworked(self, content: str) -> str | None:
        return unlisted(content)


@dataclass(frozen=True, kw_only=True)
class Bullets(StyleChecker):
    """At least one bulleted item."""

    kind: ClassVar[str] = "bullets"

    def holds(self, text: str) -> bool:
        return bullets(text) > 0

    def describe(self) -> str:
        return "bullet points"

    def _reworked(self, content: str) -> str | None:
        return listed(content, repeat("-"))


@dataclass(frozen=True, kw_only=True)
class NoExclamation(RestrictiveChecker):
    """No exclamation mark, but for those of the literals in `ignoring` at the edges of the answer."""

    kind: ClassVar[str] = "no_exclamation"

    def holds(self, text: str) -> bool:
        seen = without_code(without_edges(text, self.ignoring))
        return "!" not in seen and "！" not in seen

    def describe(self) -> str:
        return "no exclamation marks"

    def _reworked(self, content: str) -> str | None:
        return content.replace("!", ".").replace("！", "。")
