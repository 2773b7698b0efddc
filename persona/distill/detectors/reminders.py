"""Reminds of the request: says again what it asked for, or that the answer has more or other than that."""

from __future__ import annotations

import re

from persona.distill.detectors.asking import concludes
from persona.distill.detectors.before import words_of
from persona.distill.detectors.reading import FRAGMENT, SHORT, Said
from persona.distill.detectors.tongues import Tongue

_LONGEST = 14  # words of a sentence with “obviously” or “I said” in it
_MISCOUNTED = 6  # words
_NUMBER = re.compile(r"\d+|[^\W\d_]+")
_BESIDE = 2  # words beside a number


def insists(said: Said) -> bool:
    """Says what had been asked for: “evening obviously”, “nurse!”, “just Sydney”."""
    acts = said.acts
    if concludes(said.sentence, said.tongue):
        return False
    sure = acts.sure.search(said.text)
    own = acts.own.match(said.text) or (sure and acts.mine.search(said.text[: sure.start()]))
    if sure and said.sentence.words <= _LONGEST and not (own and sure.start()):
        rest = said.text[: sure.start()] + said.text[sure.end() :]
        return re.search(r"\w", _without_soft(rest, said.tongue)) is not None
    return said.sentence.words <= FRAGMENT and _repeats(said)


def reminds(said: Said) -> bool:
    """“That's 4”, “he's a colleague”: what the request had, and the answer has not."""
    return (
        said.before.made
        and not concludes(said.sentence, said.tongue)
        and (_miscounted(said) or _recalls(said))
    )


def mixes(said: Said) -> bool:
    """“Tofu in a feijoada?” A word of the answer and one of the request, which do not go together."""
    words, before = said.words, said.before
    if not before.made or said.sentence.words > SHORT or said.tongue.which.search(said.text):
        return False
    if said.tongue.and_starts_head.match(said.sentence.text) or not before.owns(words):
        return False
    return any(word not in before.request for word in words) and any(
        word not in before.answer for word in words
    )


def _repeats(said: Said) -> bool:
    acts, before, words = said.acts, said.before, said.words
    if acts.prepositions.match(said.text) and said.sentence.words > 1:
        if said.tongue.and_starts_head.match(said.sentence.text) or said.is_fine(said.sentence.text):
            return False
        return not said.tongue.languages.search(said.text) and said.text.split()[0] not in before.asked
    if any(word[0].isdigit() and word in before.request and word not in before.answer for word in words):
        return True
    return (
        bool(words)
        and len(words) < len(before.request)
        and all(word in before.request for word in words)
        and (acts.restricts.match(said.text) is not None or not all(word in before.answer for word in words))
    )


def _miscounted(said: Said) -> bool:
    """“Two”, “that's 4”, “das sind mehr als 50”: of a number that was asked for."""
    if said.sentence.words > _MISCOUNTED:
        return False
    asked = _numbers(" ".join(said.before.asked), said.tongue)
    counted = _numbers(said.text, said.tongue)
    if not asked or not counted:
        return False
    beside = [
        word for word in words_of(said.text) if word not in said.before.asked and not _is_number(word, said)
    ]
    rest = said.after(said.acts.counts)
    if rest:
        return len(words_of(rest)) - len(counted) <= _BESIDE and not any(
            number in said.before.answer for number in counted - asked
        )
    return counted <= asked and not beside


def _numbers(text: str, tongue: Tongue) -> frozenset[str]:
    """The numbers in folded text, as digits. “One” is left out: in most languages it is the article, too."""
    words = _NUMBER.findall(text)
    found = {word if word.isdecimal() else tongue.numbers.get(word, "1") for word in words}
    return frozenset(found - {"1"})


def _is_number(word: str, said: Said) -> bool:
    return word[0].isdigit() or word in said.tongue.numbers


def _recalls(said: Said) -> bool:
    """“It's a birthday card”: nothing but words of the request, which the answer does not have."""
    rest = said.after(said.acts.points)
    words = words_of(rest or "")
    if not words or said.sentence.words > SHORT or said.is_fine() or said.acts.denies.match(rest or ""):
        return False
    return all(word in said.before.request and word not in said.before.answer for word in words)


def _without_soft(text: str, tongue: Tongue) -> str:
    text = text.strip(" ,.!…")
    soft = tongue.soft_head.match(text)
    return text[soft.end() :] if soft else text
