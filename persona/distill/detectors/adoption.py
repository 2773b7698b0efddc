"""The user takes a substantial span of the answer over: quotes it, builds on it, or keeps it in an edit.

Polarity +1, confidence 0.6. What the user copies is compared, never read for a wish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from persona.checker import fold
from persona.distill.detectors.before import Before, before, before_reply
from persona.distill.detectors.contract import Exchange, Finding, by_user
from persona.distill.detectors.corrections import correcting
from persona.distill.detectors.giving_up import gives_up
from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.retries import asks_again
from persona.distill.detectors.tongues import stop_words
from persona.distill.signals import Detector
from store.records import Message

_RUN = 5  # words in a row; fewer may be a coincidence
_TELLING = 3  # of them that are not among the commonest words
_LATER = 3  # messages of the user that may still build on the answer
_KEPT = 0.6  # of the answer's words, in runs, is what an edit keeps when it adopts
_LONGEST = 4000  # words looked at
_WORD = re.compile(r"\w+")


def adopted(exchange: Exchange) -> Iterator[Finding]:
    """The first later message of the user that uses a run of the answer which the request did not have.

    Nothing is where the user complains first, or where a complaint is what uses it, however late.
    """
    answer = _words(exchange.completion)
    if len(answer) < _RUN:
        return
    runs = _runs(answer)
    for edit in exchange.edits:
        if edit.content and edit.content != exchange.completion.content:
            kept = _runs(_words(edit)) & runs
            if len(kept) >= _KEPT * len(runs):
                yield Finding(detector=Detector.ADOPTED, span="(an edit keeps most of it)")
                return
    given = {run for said in exchange.interaction.prompt if said.content for run in _runs(_words(said))}
    taken = runs - given
    first = True
    later = [(place, said) for place, said in enumerate(exchange.after) if by_user(said)][:_LATER]
    for place, said in later:
        words = _words(said)
        start = next((at for at, run in enumerate(_in_order(words)) if run in taken and _tells(run)), None)
        if (first or start is not None) and _complains(said, _before(exchange, place, first=first)):
            return
        first = False
        if start is not None:
            yield Finding(detector=Detector.ADOPTED, span=_span(words, start, runs), place=place)
            return


def _before(exchange: Exchange, place: int, *, first: bool) -> Before:
    """What stood before the message at this place: what it complains about may be a later answer."""
    if first:
        return before_reply(exchange)
    heard = (*exchange.interaction.prompt, exchange.completion, *exchange.after[:place])
    return before(heard[:-1], heard[-1])


def _complains(said: Message, stood: Before) -> bool:
    found = correcting(own_sentences(said.content), stood)
    return found is not None or gives_up(said) or asks_again(said)


def _words(message: Message) -> list[str]:
    return _WORD.findall(fold(message.content[: _LONGEST * 8]))[:_LONGEST]


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return set(_in_order(words))


def _in_order(words: list[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1))


def _tells(run: tuple[str, ...]) -> bool:
    return sum(word not in stop_words() for word in run) >= _TELLING


def _span(words: list[str], start: int, runs: set[tuple[str, ...]]) -> str:
    end = start + _RUN
    while end < len(words) and tuple(words[end - _RUN + 1 : end + 1]) in runs:
        end += 1
    return " ".join(words[start:end])
