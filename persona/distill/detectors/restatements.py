"""The user asks for the same again in other words: the answer did not do.

Polarity -1, confidence 0.5. Likeness is of words, not of meaning: a request with another name, number or
content word in it is another request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from operator import eq

from rapidfuzz import fuzz

from persona.checker import fold
from persona.distill.detectors.before import before_reply
from persona.distill.detectors.contract import Exchange, Finding
from persona.distill.detectors.corrections import correcting
from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.retries import asks_again, same_request
from persona.distill.detectors.tongues import stop_words
from persona.distill.signals import Detector

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 60  # words of a request that people write anew
_FEWEST = 2  # content words in common
_SAME_WORD = 84  # of 100: inflections and slips of the keyboard
_STEM = 5  # letters
_ENDING = 2  # letters
_COVERED = 0.8  # of the content words of either


def restated(exchange: Exchange) -> Iterator[Finding]:
    """The reply that asks for the same as the request did, in other words."""
    request, reply = exchange.request(), exchange.reply()
    if request is None or reply is None:
        return
    place, said = reply
    if exchange.completion.content.rstrip().endswith("?") or same_request(said, request) or asks_again(said):
        return
    stood = before_reply(exchange)
    if correcting(own_sentences(said.content), stood) is not None:
        return  # it says so in words
    if restates(request.content, said.content):
        yield Finding(detector=Detector.RESTATED, span=said.content, place=place)


def restates(request: str, again: str) -> bool:
    """Do the two texts ask for the same?"""
    one, other = _content_words(request), _content_words(again)
    if not _FEWEST <= len(one) <= _LONGEST or not _FEWEST <= len(other) <= _LONGEST:
        return False
    left_one = [word for word in one if not _has(other, word)]
    left_other = [word for word in other if not _has(one, word)]
    common = len(one) - len(left_one)
    if common < _FEWEST or (left_one and left_other):
        return False
    if any(not word.isalpha() for word in (*left_one, *left_other)):
        return False
    return (
        common >= _COVERED * min(len(one), len(other))
        and len(left_other) <= common
        and len(left_one) <= common
    )


def _has(words: tuple[str, ...], word: str) -> bool:
    if not word.isalpha() or len(word) < _STEM:
        return word in words
    return any(fuzz.ratio(word, other) >= _SAME_WORD or _inflected(word, other) for other in words)


def _inflected(word: str, other: str) -> bool:
    """Have the two a long beginning in common, and short endings of their own: “druckt” and “Drucker”?"""
    common = sum(1 for _ in takewhile(bool, map(eq, word, other)))
    return common >= _STEM and max(len(word), len(other)) - common <= _ENDING


@lru_cache(maxsize=1024)
def _content_words(text: str) -> tuple[str, ...]:
    words = _WORD.findall(fold(text[:2000]))
    return tuple(dict.fromkeys(word for word in words if word not in stop_words()))
