"""Reads limits: "in at most two sentences", "under 40 words", "no longer than 2-3 sentences"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from persona.checker.length import MaxSentences, MaxWords
from persona.checker.statement.masked import Masked
from persona.checker.statement.parsed import Parsed

_SMALL_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_SMALL = _SMALL_WORDS.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {
    **{word: value for value, word in enumerate(_SMALL, 1)},
    **{word: value * 10 for value, word in enumerate(_TENS, 2)},
    "a": 1, "single": 1, "a single": 1, "hundred": 100, "a hundred": 100, "one hundred": 100,
    "a couple of": 2,
}  # fmt: skip
_ONES = "|".join(_SMALL[:9])
_NUMBER = (
    rf"(?:\d{{1,4}}|(?:a |one )?hundred|a couple of|(?:{'|'.join(_TENS)})(?:[- ](?:{_ONES}))?"
    rf"|{'|'.join(sorted(_SMALL, key=len, reverse=True))}|a single|single|a)"
)
_RANGE = rf"(?P<number>{_NUMBER})(?:\s*(?:-|–|to|or)\s*(?P<upper>{_NUMBER}))?"
_UNIT = r"[\s-]+(?:(?:short|brief|simple|complete|full|concise|plain)\s+)?(?P<unit>sentence|word)s?\b"
_PARTIAL = (
    r"(?!\s+(?:per (?!answer|reply|response|message)|each (?!time)|of|after|before|in (?:the|a|your)|"
    r"at the)\b)"
)

_AT_MOST = re.compile(
    r"(?:\bat (?:the )?most|\b(?:no|not|never) (?:more|longer) than|\bmax(?:imum)?\.?(?: of)?|\bmaximally|"
    r"\bup to|\bwithin|\bin|\binto|\bto|\bonly|\bjust|\blimit of|<=|≤)\s*" + _RANGE + _UNIT + _PARTIAL
)
_BELOW = re.compile(r"(?:\bunder|\bbelow|\b(?:less|fewer|shorter) than|<)\s*" + _RANGE + _UNIT + _PARTIAL)
_AFTERWARDS = re.compile(
    r"(?<![\w-])"
    + _RANGE
    + _UNIT
    + r"(?: long)?,?\s*(?:max(?:imum)?|at (?:the )?most|or less|or fewer|tops|or under)\b"
)
_NOT_ABOVE = re.compile(
    r"(?:\b(?:more|longer) than|\bexceed|\bover|\babove|\bgo past|\bbeyond)\s*" + _RANGE + _UNIT + _PARTIAL
)
_COMPOUND = re.compile(
    rf"(?<![\w-])(?P<number>{_NUMBER})(?P<upper>)-(?P<unit>sentence|word) "
    r"(?:answers?|repl(?:y|ies)|responses?)\b"
)
_OTHER_SUBJECT = {
    "word": re.compile(
        r"\b(?:sentences?|paragraphs?|bullets?|titles?|headings?|summar\w+|intro\w*|points?|lines?|items?)\b"
    ),
    "sentence": re.compile(
        r"\b(?:paragraphs?|bullets?|titles?|headings?|summar\w+|intro\w*|points?|items?)\b"
    ),
}


def read_lengths(statement: Masked) -> Iterator[Parsed]:
    """The limits that the statement sets; hedged, partial and lower limits are left alone."""
    for pattern, wanted_negated, less in (
        (_AT_MOST, False, 0),
        (_BELOW, False, 1),
        (_AFTERWARDS, False, 0),
        (_COMPOUND, False, 0),
        (_NOT_ABOVE, True, 0),
    ):
        for found in pattern.finditer(statement.text):
            unit = found["unit"]
            if statement.negated(found.start()) != wanted_negated:
                continue
            if _OTHER_SUBJECT[unit].search(statement.clause_around(found.start(), found.end())):
                continue
            limit = _value(found["upper"] or found["number"]) - less
            if limit < 1:
                continue
            if unit == "sentence":
                yield Parsed(attribute="length.sentences", checker=MaxSentences(n=limit))
            else:
                yield Parsed(attribute="length.words", checker=MaxWords(n=limit))


def _value(number: str) -> int:
    if number.isdecimal():
        return int(number)
    if number in _VALUES:
        return _VALUES[number]
    tens, ones = re.split(r"[- ]", number, maxsplit=1)
    return _VALUES[tens] + _VALUES[ones]
