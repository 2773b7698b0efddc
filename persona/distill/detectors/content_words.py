"""The words that say what a request asks for, and when two of them are the same word."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import takewhile
from operator import eq

from rapidfuzz import fuzz

from persona.checker import fold
from persona.distill.detectors.tongues import stop_words

_WORD = re.compile(r"[^\W_]+")
_SAME_WORD = 84  # of 100: inflections and slips of the keyboard
_STEM = 5  # letters
_ENDING = 2  # letters


def has_word(words: tuple[str, ...], word: str) -> bool:
    """Is it one of the words, maybe inflected or mistyped?"""
    if not word.isalpha() or len(word) < _STEM:
        return word in words
    return any(fuzz.ratio(word, other) >= _SAME_WORD or _inflected(word, other) for other in words)


def _inflected(word: str, other: str) -> bool:
    """Have the two a long beginning in common, and short endings of their own: “druckt” and “Drucker”?"""
    common = sum(1 for _ in takewhile(bool, map(eq, word, other)))
    return common >= _STEM and max(len(word), len(other)) - common <= _ENDING


@lru_cache(maxsize=1024)
def content_words(text: str) -> tuple[str, ...]:
    """Each once, folded, in order."""
    words = _WORD.findall(fold(text[:2000]))
    return tuple(dict.fromkeys(word for word in words if word not in stop_words()))
