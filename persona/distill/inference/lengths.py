"""Limits: how long the wanted answers are where they are shorter, or longer, than the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from persona.checker import MaxSentences, MaxWords, MinWords
from persona.checker.literal import without_edges
from persona.checker.prose import sentences, words
from persona.distill.inference.candidates import Candidate
from persona.distill.inference.observations import Witness

_WITHIN = 0.9  # of the wanted answers; the rest are the exceptions that everybody makes
_MOST_SENTENCES = 8  # beyond, people do not count sentences
_CLEAR = 0.75  # a limit is one where it is a quarter below what was not wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A candidate about length, with what it counts; `longer` where it asks for more."""

    candidate: Candidate
    length: Callable[[str], int]
    longer: bool = False


def limits(witnesses: Sequence[Witness], literals: tuple[str, ...]) -> list[Limit]:
    """The limits that fit these conversations; `literals` at the edges of answers do not count."""

    def in_sentences(text: str) -> int:
        return sentences(without_edges(text, literals))

    def in_words(text: str) -> int:
        return words(without_edges(text, literals))

    found = []
    chosen, rejected = _both(witnesses, "length.sentences", in_sentences)
    if chosen and (most := max(1, _quantile(chosen, _WITHIN))) <= min(
        _MOST_SENTENCES, _CLEAR * _middle(rejected)
    ):
        plural = "sentence" if most == 1 else "sentences"
        found.append(
            Limit(
                candidate=Candidate(
                    attribute="length.sentences",
                    checker=MaxSentences(n=most),
                    statement=f"Answer in at most {most} {plural}.",
                    blind_to=literals,
                ),
                length=in_sentences,
            )
        )
    chosen, rejected = _both(witnesses, "length.words", in_words)
    if not chosen:
        return found
    most = _rounded(_quantile(chosen, _WITHIN), math.ceil)
    if most <= _CLEAR * _middle(rejected):
        found.append(_in_words(MaxWords(n=most), f"Answer in at most {most} words.", in_words, literals))
    least = _rounded(_quantile(chosen, 1 - _WITHIN), math.floor)
    if least and _CLEAR * least >= _middle(rejected):
        checker = MinWords(n=least)
        statement = f"Answer in detail, in at least {least} words."
        found.append(_in_words(checker, statement, in_words, literals, longer=True))
    return found


def _in_words(
    checker: MaxWords | MinWords,
    statement: str,
    length: Callable[[str], int],
    literals: tuple[str, ...],
    *,
    longer: bool = False,
) -> Limit:
    candidate = Candidate(attribute="length.words", checker=checker, statement=statement, blind_to=literals)
    return Limit(candidate=candidate, length=length, longer=longer)


def _both(
    witnesses: Iterable[Witness], attribute: str, length: Callable[[str], int]
) -> tuple[list[int], list[int]]:
    told = [one for each in witnesses for one in each.observations if one.tells_of(attribute)]
    return (
        sorted(length(one.chosen.content) for one in told),
        sorted(length(one.rejected[0].content) for one in told),
    )


def _quantile(ordered: Sequence[int], share: float) -> int:
    """The smallest of the values that so large a share lies at or below."""
    return ordered[max(0, math.ceil(round(share * len(ordered), 9)) - 1)]


def _middle(ordered: Sequence[int]) -> int:
    return ordered[len(ordered) // 2]


def _rounded(count: int, to: Callable[[float], int]) -> int:
    """To a number that people say: fives below 50, tens below 200, fifties above."""
    step = 5 if count < 50 else 10 if count < 200 else 50
    return max(step, to(count / step) * step) if to is math.ceil else to(count / step) * step
