"""What the words of a reply mean, the same in eleven languages: a denial, “I said”, a manner, a next thing.

Invariant: the table (cues.toml) holds all words; a meaning is found in the language that the text seems to be
in, so that “en” is “and” in Dutch and nothing in French.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from persona.checker import TONGUES, fold, function_words

_WORD = re.compile(r"[^\W\d_]+")
_KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_JAPANESE = "ja"


@lru_cache(maxsize=4096)
def cues(text: str, beside: str = "") -> tuple[tuple[int, str], ...]:
    """(place, meaning) of every meaning in the folded text, in order.

    `beside` helps to tell the language: what the user wrote before, folded.
    """
    patterns = _patterns()[spoken(text, beside)]
    found = ((hit.start(), name) for name, pattern in patterns.items() for hit in pattern.finditer(text))
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def spoken(text: str, beside: str = "") -> str:
    """The likeliest language of the folded text; English where nothing tells."""
    if _KANA.search(text) or (_KANA.search(beside) and not _WORD.search(text)):
        return _JAPANESE
    own, other = set(_WORD.findall(text)), set(_WORD.findall(beside))
    known = _telling()
    return max(known, key=lambda name: (2 * len(own & known[name]) + len(other & known[name]), name == "en"))


@cache
def _load() -> Mapping[str, Any]:
    with (files(__package__) / "cues.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def _telling() -> Mapping[str, frozenset[str]]:
    known = {name: frozenset(map(fold, function_words(name))) for name in TONGUES}
    return known | {name: frozenset(fold(words).split()) for name, words in _load()["words"].items()}


@cache
def _patterns() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    """By language and meaning."""
    meanings = _load()["meaning"]
    return {
        language: {
            name: _compiled(language, each[language]) for name, each in meanings.items() if language in each
        }
        for language in (*_telling(), _JAPANESE)
    }


def _compiled(language: str, phrases: list[str]) -> re.Pattern[str]:
    longest_first = sorted({fold(phrase) for phrase in phrases}, key=lambda each: (-len(each), each))
    one = "|".join(longest_first)
    return re.compile(one if language == _JAPANESE else rf"(?<!\w)(?:{one})(?!\w)")
