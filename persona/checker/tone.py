"""The tone of an answer: apologies, hedging, filler, talk about itself, offers, contractions, questions.

The words are English: in other languages these checkers find nothing, and so ask for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import RestrictiveChecker, StyleChecker
from persona.checker.literal import without_edges
from persona.checker.prose import beginnings, without_code, without_sentences

_TRAILING = " \n\t*_\"'”’)»"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns).replace("'", "['’]"), re.IGNORECASE)


# "A kind of boat" says what it is; "kind of a boat" does not want to.
_KINDS_OF = ("a", "an", "the", "this", "that", "what", "which", "any", "some", "one", "no", "every")
_NO_SORT = "".join(rf"(?<!\b{word} )" for word in _KINDS_OF)
_AN_AI = r"(?:ai|artificial|(?:large )?language model|digital|virtual)\b"
MARKERS: Mapping[str, re.Pattern[str]] = {
    "apology": _any(
        r"\bi(?:'m| am) (?:so |very |really )?sorry\b",
        r"\bsorry (?:for|about|to|that|but|if)\b",
        r"\bsorry[,.!]",
        r"\bi apologi[sz]e\b",
        r"\b(?:my|our) apologies\b",
        r"\bapologies for\b",
    ),
    "hedging": _any(
        r"\b(?:perhaps|maybe|possibly|presumably|arguably|generally speaking|in some cases|it depends)\b",
        r"\bit (?:seems|appears|is possible) (?:that|to)\b",
        r"\bi (?:think|believe|guess|suppose|would say|feel like)\b",
        r"\b(?:it (?:may|might) be|might (?:want|be))\b",
        rf"{_NO_SORT}\b(?:sort|kind) of\b",
    ),
    "filler": _any(
        r"\A[\s*_]*(?:sure(?: thing)?|certainly|of course|absolutely)(?=[,.!])",
        r"\A[\s*_]*(?:great question|good question|what an? (?:great|good|lovely|interesting))\b",
        r"\A[\s*_]*(?:i(?:'d| would) be (?:happy|glad|delighted)|happy to help)\b",
        r"\A[\s*_]*(?:i(?:'m| am) (?:happy|glad|here) to help|thanks? (?:you )?for asking)\b",
    ),
    "self_reference": _any(
        rf"\bas an? {_AN_AI}", rf"\bi(?:'m| am) (?:just |only )?an? {_AN_AI}", r"\bas an? assistant\b"
    ),
    "offer": _any(
        r"\blet me know (?:if|how|when|whether|what)\b",
        r"\bfeel free to (?:ask|reach|let)\b",
        r"\bi(?:'m| am) here (?:to help|if you)\b",
        r"\bif you (?:have|need) (?:any )?(?:more|further|other|additional|questions|anything|help)\b",
        r"\b(?:i )?hope (?:this|that) helps\b",
        r"\b(?:is there anything else|would you like me to|don't hesitate to)\b",
    ),
    "contraction": _any(
        r"\b\w+n't\b",
        r"\b(?:i'm|i've|i'll|i'd|it's|that's|there's|here's|what's|let's)\b",
        r"\b(?:(?:you|we|they)'(?:re|ve|ll|d)|(?:he|she)'(?:s|ll|d))\b",
    ),
}
_TOLD = {
    "apology": "no apologies",
    "hedging": "no hedging",
    "filler": "no filler at the start",
    "self_reference": "no talk about being an AI",
    "offer": "no offers of more help",
    "contraction": "no contractions",
}


@dataclass(frozen=True, kw_only=True)
class NoMarker(RestrictiveChecker):
    """None of the words of this tone (a key of MARKERS), but for those of the literals in `ignoring`."""

    kind: ClassVar[str] = "no_marker"
    marker: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.marker not in MARKERS:
            raise ValueError(f"checker {self.kind!r}: {self.marker!r} is none of {', '.join(MARKERS)}")

    def holds(self, text: str) -> bool:
        return self.count(text) == 0

    def count(self, text: str) -> int:
        """How often the tone shows."""
        seen = without_code(without_edges(text, self.ignoring))
        return sum(1 for _ in MARKERS[self.marker].finditer(seen))

    def describe(self) -> str:
        return _TOLD[self.marker]

    def _reworked(self, content: str) -> str | None:
        if self.marker == "contraction":
            content = _spelled_out(content)
        return without_sentences(content, lambda text: MARKERS[self.marker].search(text) is not None)


@dataclass(frozen=True, kw_only=True)
class Contractions(StyleChecker):
    """At least one contraction ("it's")."""

    kind: ClassVar[str] = "contractions"

    def holds(self, text: str) -> bool:
        return MARKERS["contraction"].search(without_code(text)) is not None

    def describe(self) -> str:
        return "with contractions"


@dataclass(frozen=True, kw_only=True)
class FinalQuestion(RestrictiveChecker):
    """The answer ends with a question, before the literals in `ignoring`."""

    kind: ClassVar[str] = "final_question"

    def holds(self, text: str) -> bool:
        return _asks(without_edges(text, self.ignoring))

    def describe(self) -> str:
        return "ends with a question"


@dataclass(frozen=True, kw_only=True)
class NoFinalQuestion(RestrictiveChecker):
    """The answer does not end with a question, before the literals in `ignoring`."""

    kind: ClassVar[str] = "no_final_question"

    def holds(self, text: str) -> bool:
        return not _asks(without_edges(text, self.ignoring))

    def describe(self) -> str:
        return "no question at the end"

    def _reworked(self, content: str) -> str | None:
        return next(filter(self.holds, beginnings(content)), None)


@dataclass(frozen=True, kw_only=True)
class Exclamation(StyleChecker):
    """At least one exclamation mark."""

    kind: ClassVar[str] = "exclamation"

    def holds(self, text: str) -> bool:
        seen = without_code(text)
        return "!" in seen or "！" in seen

    def describe(self) -> str:
        return "with exclamation marks"

    def _reworked(self, content: str) -> str | None:
        return re.sub(r"\.\s*\Z", "!", content)


_AFTER_IS = r"(?:an?|the|not|also|important|possible|best|\w+ing)"
# What some contractions stand for; "'d" and most of "'s" stand for more than one thing.
_WHOLE = (
    (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"),
    (r"\bshan't\b", "shall not"),
    (r"(?<=\w)n't\b", " not"),
    (r"(?<=\bI)'m\b", " am"),
    (r"(?<=\w)'re\b", " are"),
    (r"(?<=\w)'ve\b", " have"),
    (r"(?<=\w)'ll\b", " will"),
    (r"\blet's\b", "let us"),
    (rf"\b(it|that|there|here|what|he|she)'s\b(?= {_AFTER_IS}\b)", r"\1 is"),
)


def _spelled_out(text: str) -> str:
    for contraction, whole in _WHOLE:
        found = re.compile(contraction.replace("'", "['’]"), re.IGNORECASE)
        text = found.sub(lambda match, whole=whole: _as_begun(match.expand(whole), match[0]), text)  # type: ignore[misc]
    return text


def _as_begun(whole: str, contraction: str) -> str:
    """With the capital of what it takes the place of."""
    return whole[:1].upper() + whole[1:] if contraction[:1].isupper() else whole


def _asks(text: str) -> bool:
    return without_code(text).rstrip(_TRAILING).endswith(("?", "？"))
