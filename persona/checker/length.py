"""How long an answer may be: in sentences, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import RestrictiveChecker, require_count
from persona.checker.literal import without_edges
from persona.checker.prose import beginnings, sentences, words


@dataclass(frozen=True, kw_only=True)
class MaxSentences(RestrictiveChecker):
    """At most `n` sentences, not counting the literals in `ignoring` at the edges of the answer."""

    kind: ClassVar[str] = "max_sentences"
    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self.kind, "n", self.n)

    def holds(self, text: str) -> bool:
        return sentences(without_edges(text, self.ignoring)) <= self.n

    def describe(self) -> str:
        return f"at most {self.n} {'sentence' if self.n == 1 else 'sentences'}"

    def _reworked(self, content: str) -> str | None:
        return next(filter(self.holds, beginnings(content)), None)


@dataclass(frozen=True, kw_only=True)
class MaxWords(RestrictiveChecker):
    """At most `n` words, not counting the literals in `ignoring` at the edges of the answer."""

    kind: ClassVar[str] = "max_words"
    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self.kind, "n", self.n)

    def holds(self, text: str) -> bool:
        return words(without_edges(text, self.ignoring)) <= self.n

    def describe(self) -> str:
        return f"at most {self.n} {'word' if self.n == 1 else 'words'}"

    def _reworked(self, content: str) -> str | None:
        return next(filter(self.holds, beginnings(content)), None)


@dataclass(frozen=True, kw_only=True)
class MinWords(RestrictiveChecker):
    """At least `n` words, not counting the literals in `ignoring` at the edges of the answer."""

    kind: ClassVar[str] = "min_words"
    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self.kind, "n", self.n)

    def holds(self, text: str) -> bool:
        return words(without_edges(text, self.ignoring)) >= self.n

    def describe(self) -> str:
        return f"at least {self.n} {'word' if self.n == 1 else 'words'}"
