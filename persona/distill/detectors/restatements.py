"""The user asks for the same again in other words: the answer did not do.

Polarity -1, confidence 0.5. Likeness is of words, not of meaning: a request with another name, number or
content word in it is another request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from operator import eq

from persona.checker import fold
from persona.distill.detectors.content_words import content_words, has_word
from persona.distill.detectors.contract import Exchange, Finding
from persona.distill.detectors.judge import judged_reply
from persona.distill.detectors.retries import asks_again, same_request
from persona.distill.signals import Detector

_WORD = re.compile(r"\w+")
_LONGEST_READ = 2000  # characters
_ALIKE = 0.5  # of the words of the longer one
_LONGEST = 60  # words of a request that people write anew
_FEWEST = 2  # content words in common
_COVERED = 0.8  # of the content words of either


def restated(exchange: Exchange) -> Iterator[Finding]:
    """The reply that asks for the same as the request did, in other words."""
    request, reply = exchange.request(), exchange.reply()
    if request is None or reply is None:
        return
    place, said = reply
    if exchange.completion.content.rstrip().endswith("?") or same_request(said, request) or asks_again(said):
        return
    judgement = judged_reply(exchange)
    if judgement is None or judgement.correcting is not None:
        return  # it says so in words
    anew = judgement.restates and not parallels(request.content, said.content)
    if anew or restates(request.content, said.content):
        yield Finding(detector=Detector.RESTATED, span=said.content, place=place)


def parallels(request: str, other: str) -> bool:
    """Are the two built alike around another word: the weather in Oslo, the weather in Rome?"""
    one, two = (_WORD.findall(fold(text[:_LONGEST_READ])) for text in (request, other))
    begin = sum(1 for _ in takewhile(bool, map(eq, one, two)))
    end = sum(1 for _ in takewhile(bool, map(eq, reversed(one[begin:]), reversed(two[begin:]))))
    return begin + end < min(len(one), len(two)) and begin + end >= _ALIKE * max(len(one), len(two))


def restates(request: str, again: str) -> bool:
    """Do the two texts ask for the same?"""
    one, other = content_words(request), content_words(again)
    if not _FEWEST <= len(one) <= _LONGEST or not _FEWEST <= len(other) <= _LONGEST:
        return False
    left_one = [word for word in one if not has_word(other, word)]
    left_other = [word for word in other if not has_word(one, word)]
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
