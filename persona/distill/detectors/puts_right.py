"""Puts another name or number in the place of the answer's."""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from persona.checker import fold
from persona.distill.detectors.before import words_of
from persona.distill.detectors.own_words import Sentence
from persona.distill.detectors.reading import FRAGMENT, NUMBER, SHORT, Said

_MISSPELT = 80  # of 100: so like a name of the answer is the name, spelt otherwise
_NEAR = 2  # times as much, or as little: so near to the answer's number is meant for it
_INSTEAD = 3  # words that may stand in the answer's place
_NAME = re.compile(r"(?<!\w)[^\W\d_]\w{3,}")
_BARE_NUMBER = re.compile(r"\W*(\d{1,9}(?:[.,]\d{1,9})?)\W*")


def puts_right(said: Said) -> bool:
    """Another number about the same thing, or a name of the answer spelt otherwise."""
    acts, before = said.acts, said.before
    if said.sentence.words > SHORT or acts.own.match(said.text):
        return False
    if ("=" in said.text and NUMBER.search(said.text)) or doubts(said) or _nearer(said):
        return True
    names = named(said.sentence)
    if not before.made and acts.points.match(said.text) and said.sentence.words <= FRAGMENT + 2:
        rest = said.after(acts.points) or ""
        return bool(before.names) and any(
            rest.startswith(fold(name)) and fold(name) not in before.answer for name in names
        )
    if not acts.equals.search(said.text):
        return False
    numbers = [word for word in said.words if word[0].isdigit()]
    others = [word for word in said.words if not word[0].isdigit()]
    if numbers and not all(number in before.answer for number in numbers) and before.has(others):
        return True
    return any(
        name not in before.names and fuzz.ratio(name, other) >= _MISSPELT
        for name in names
        for other in before.names
    )


def doubts(said: Said) -> bool:
    """“1024 surely”, “Manzoni semmai”, “35, no?”: something else after a question, and a hedge behind it."""
    acts, before = said.acts, said.before
    for hedges, of_numbers in ((acts.hedges, False), (acts.unsure, True)):
        instead = _before_end(said.text.rstrip(" .!…"), hedges)
        words = words_of(instead)
        if not words or len(instead.split()) > _INSTEAD or acts.denies.search(instead):
            continue
        if of_numbers and not all(word[0].isdigit() for word in words):
            continue
        if not (before.made and not of_numbers) and not (said.is_fine(instead) or before.has(words)):
            return True
    return False


def _before_end(text: str, end: re.Pattern[str]) -> str:
    """What stands before the pattern, where the text ends with it."""
    found = next((each for each in end.finditer(text) if each.end() == len(text)), None)
    return text[: found.start()].strip(" ,") if found else ""


def _nearer(said: Said) -> bool:
    """A number and nothing else, which is nearer to the answer's than to those of the question."""
    found = _BARE_NUMBER.fullmatch(said.text)
    if found is None:
        return False
    number = _value(found[1])
    asked = [_apart(number, _value(word)) for word in said.before.asked if word[0].isdigit()]
    answered = [_apart(number, _value(word)) for word in said.before.answer if word[0].isdigit()]
    return bool(answered) and 1 < min(answered) < min([_NEAR, *asked])


def _value(number: str) -> float:
    digits = re.sub(r"\D", "", re.split(r"[.,:](?=\d{1,2}\Z)", number)[0])
    return float(digits or 0)


def _apart(one: float, other: float) -> float:
    """How many times one is the other, from 1 on."""
    low, high = sorted((abs(one), abs(other)))
    return high / low if low else float("inf") if high else 1.0


def named(sentence: Sentence) -> list[str]:
    """The capitalised words behind the first."""
    found = _NAME.finditer(sentence.raw)
    return [name[0] for name in found if name.start() and name[0][0].isupper()]
