"""A statement in another language, put into the English that the readers know, phrase by phrase.

No translation for people: words of no consequence stay as they are. Quoted texts were set aside before and
come through untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache

from persona.checker.language import function_words
from persona.checker.statement.folding import fold
from persona.checker.statement.masked import Masked
from persona.checker.statement.tables import TONGUES, language_names, table

_OTHERS = tuple(tongue for tongue in TONGUES if tongue != "en")
_ENGLISH_NAME = {code: name for name, code in language_names("en").items()}
_LEAST_KNOWN = 0.5  # of the words; what is less known is in another language
_WORD = re.compile(r"\w+")
# German and others put the verb last: "auf Deutsch antworten", "mit “Ahoi” enden".
_VERB_LAST = re.compile(
    r"\b(?P<rest>(?:in (?:\w+)|with ⟦\d+⟧)) (?P<verb>answers?|write|speak|end|start)\b(?! with)"
)
# And the adverb behind the verb: "benutze immer Listen".
_ADVERB_LAST = re.compile(r"\b(?P<verb>use|answer|write|speak|end|start|say) (?P<adverb>always|never)\b")


@lru_cache(maxsize=1024)
def translated(statement: Masked) -> Masked | None:
    """The statement in English; None where no other language knows half of its words."""
    text = fold(statement.text)
    words = len(_WORD.findall(re.sub(r"⟦\d+⟧", " ", text)))
    if not words:
        return None
    best, most = "", 0
    for tongue in _OTHERS:
        known = sum(len(_WORD.findall(found[0])) for found in _phrases(tongue).finditer(text))
        if known > most:
            best, most = tongue, known
    if most < _LEAST_KNOWN * words or most <= sum(word in _english() for word in _WORD.findall(text)):
        return None
    english = " ".join(_phrases(best).sub(lambda found: f" {_meaning(best, found[0])} ", text).split())
    english = re.sub(r"\s+([,.;:!?])", r"\1", english)
    english = _VERB_LAST.sub(lambda found: f"{found['verb'].removesuffix('s')} {found['rest']}", english)
    english = _ADVERB_LAST.sub(lambda found: f"{found['adverb']} {found['verb']}", english)
    return replace(statement, text=english, cased=english)


@lru_cache(maxsize=4096)
def _meaning(tongue: str, phrase: str) -> str:
    """The English of a phrase that the pattern of this tongue found: of the longest entry that fits it."""
    return next(english for pattern, english in _entries(tongue) if pattern.fullmatch(phrase))


@cache
def _english() -> frozenset[str]:
    """The words that the readers know."""
    meant = (word for tongue in _OTHERS for _, english in _entries(tongue) for word in english.split())
    return function_words("en") | frozenset(meant)


@cache
def _phrases(tongue: str) -> re.Pattern[str]:
    """Any phrase of this tongue, the longest first; plain alternatives, which are searched fast."""
    return re.compile(
        rf"(?<!\w)(?:{'|'.join(pattern.pattern for pattern, _ in _entries(tongue))})(?:(?<=')|(?!\w))"
    )


@cache
def _entries(tongue: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    ordered = sorted(_pairs(tongue), key=lambda entry: (-len(entry[0]), entry[0]))
    return tuple((re.compile(pattern), english) for pattern, english in ordered)


def _pairs(tongue: str) -> Iterator[tuple[str, str]]:
    for patterns, english in table(tongue).items():
        for pattern in _alternatives(patterns):
            yield pattern, english
    prefix = table("languages")["prefixes"][tongue]
    for name, code in language_names(tongue).items():
        yield f"{prefix} {name}", f"in {_ENGLISH_NAME[code]}"


def _alternatives(patterns: str) -> Iterator[str]:
    """The parts between the bars that stand in no parentheses, so that each has its own length."""
    depth, start = 0, 0
    for place, letter in enumerate(patterns):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "|" and depth == 0:
            yield patterns[start:place]
            start = place + 1
    yield patterns[start:]
