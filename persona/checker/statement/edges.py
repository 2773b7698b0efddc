"""Reads how answers should start and end: "end every answer with “Fair winds!”"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from persona.checker.edges import Closing, NoClosing, NoOpening, Opening
from persona.checker.statement.masked import LITERAL, Masked
from persona.checker.statement.parsed import Parsed

_END = (
    r"\b(?:end|close|finish|conclude|sign(?: off)?|wrap up)(?:s|es|ing|ning)?\b|\bclosing\b|\bsigning off\b"
)
_START = r"\b(?:start|begin|open|lead)(?:s|ing|ning)?\b|\bgreet me\b"
_SAYING = r"[^⟦.;!?\n]{0,60}?\b(?:with|by (?:saying|writing|adding)|saying|on|using)\b"
_NAMES_END = r"(?:sign-?off|closing(?: line| phrase| words?)?|(?:last|final) (?:line|words?)|farewell)"
_NAMES_START = r"(?:greeting|opening(?: line| phrase| words?)?|first (?:line|words?)|salutation)"
_PLACE_END, _PLACE_START = "(?:very )?end", "(?:very )?(?:start|beginning|top)"
_OWNER = r"(?:the |my |your |a |its )?"


def _spoken(verbs: str, names: str, place: str) -> re.Pattern[str]:
    """With a quoted literal: end with ⟦0⟧ / use ⟦0⟧ as the sign-off / the sign-off should be ⟦0⟧."""
    return re.compile(
        rf"(?P<act>{verbs}){_SAYING}[^⟦.;!?\n]{{0,30}}?{LITERAL}"
        rf"|(?P<use>\b(?:use|add|put|write|say|make) ){LITERAL}"
        rf"[^⟦.;!?\n]{{0,10}}?\b(?:as|at|for|on) {_OWNER}(?:{names}|{place})\b"
        rf"|(?P<name>\b{names})\b[^⟦.;!?\n]{{0,30}}?(?:\bis\b|\bbe\b|\bas\b|:|\bto\b)\s*{LITERAL}"
    )


def _unquoted(verbs: str) -> re.Pattern[str]:
    """Without quotes only a capitalised rest of the statement counts: "with a question" is no literal."""
    return re.compile(
        rf"(?:{verbs})(?-i:{_SAYING}):?\s+(?-i:(?P<literal>[A-Z][^.;!?⟦\n]{{0,60}}[!?]?))[\s.]*\Z",
        re.IGNORECASE,
    )


_ENDS, _STARTS = _spoken(_END, _NAMES_END, _PLACE_END), _spoken(_START, _NAMES_START, _PLACE_START)
_ENDS_UNQUOTED, _STARTS_UNQUOTED = _unquoted(_END), _unquoted(_START)
_AFTERTHOUGHT = re.compile(
    r"(?:,? (?:instead|from now on|please|always|every time|each time|again))+(?=[!?]?\Z)", re.IGNORECASE
)
_NO_EDGE = re.compile(
    rf"\b(?:no|without an?y?|skip the|drop the|stop the|leave out the|omit the) (?:more )?"
    rf"(?:(?P<end>{_NAMES_END})|(?P<start>{_NAMES_START}))s?\b"
)
_MOST_WORDS = 6
# "Stop signing off with ⟦0⟧ and use ⟦1⟧ instead."
_OTHER = re.compile(rf"[^⟦.!?\n]{{0,30}}?\b(?:use|say|write|with|to|put)\s+{LITERAL}")


def read_edges(statement: Masked) -> Iterator[Parsed]:
    """The literal opening and closing that the statement asks for, or wants gone."""
    for attribute, made, gone, spoken, unquoted in (
        ("closing", Closing, NoClosing, _ENDS, _ENDS_UNQUOTED),
        ("opening", Opening, NoOpening, _STARTS, _STARTS_UNQUOTED),
    ):
        for found in spoken.finditer(statement.text):
            number = next(group for group in found.groups() if group is not None and group.isdecimal())
            literal = statement.literals[int(number)]
            if not statement.negated(found.start()):
                yield Parsed(attribute=attribute, checker=made(text=literal))
            elif other := _OTHER.match(statement.text, found.end()):
                yield Parsed(attribute=attribute, checker=made(text=statement.literals[int(other[1])]))
            else:
                yield Parsed(attribute=attribute, checker=gone(texts=(literal,)))
        if (bare := unquoted.search(statement.cased)) and not statement.negated(bare.start()):
            literal = _AFTERTHOUGHT.sub("", bare["literal"]).strip(" ,")
            if literal and len(literal.split()) <= _MOST_WORDS:
                yield Parsed(attribute=attribute, checker=made(text=literal))
    for found in _NO_EDGE.finditer(statement.text):
        if found["end"]:
            yield Parsed(attribute="closing", checker=NoClosing())
        else:
            yield Parsed(attribute="opening", checker=NoOpening())
