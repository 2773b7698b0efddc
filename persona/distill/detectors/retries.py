"""The user has the same request answered again: the same words, “try again”, or another completion.

Polarity -1, confidence 0.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from persona.checker import fold
from persona.distill.detectors.contract import Exchange, Finding
from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.signals import Detector
from store.records import Message

_NOT_WORDS = re.compile(r"[\W_]+")


def retried(exchange: Exchange) -> Iterator[Finding]:
    """A later completion of the same prompt, or a reply that only asks for another one."""
    if exchange.others or _answered_anew(exchange):
        yield Finding(detector=Detector.RETRIED, span="(answered again)")
        return
    request, reply = exchange.request(), exchange.reply()
    if reply is None:
        return
    place, said = reply
    if asks_again(said) or (request is not None and same_request(said, request)):
        yield Finding(detector=Detector.RETRIED, span=said.content, place=place)


def asks_again(said: Message) -> bool:
    """Is the message nothing but “try again”, after thanks or sighs?"""
    return _asks_again(said.content)


@lru_cache(maxsize=4096)
def _asks_again(content: str) -> bool:
    sentences = own_sentences(content)
    text = " ".join(sentence.text for sentence in sentences)
    for tongue in plausible(text):
        again = [_again(sentence.text, tongue) for sentence in sentences]
        rest = [one for one, it in zip(sentences, again, strict=True) if not it]
        if any(again) and all(tongue.courtesy.fullmatch(sentence.text) for sentence in rest):
            return True
    return False


def same_request(said: Message, request: Message) -> bool:
    """Do the two messages have the same words, at least two of them or one long one?"""
    one, other = (_NOT_WORDS.sub(" ", fold(each.content)).strip() for each in (said, request))
    return one == other and len(one) >= 8


def _again(text: str, tongue: Tongue) -> bool:
    soft = tongue.soft_head.match(text)
    bare = text[soft.end() :] if soft else text
    return any(tongue.again.fullmatch(each) for each in (text, bare) if each)


def _answered_anew(exchange: Exchange) -> bool:
    """Another completion right after this one, which called nothing: in a talk without branches."""
    following = exchange.after[0] if exchange.after else None
    return following is not None and following.role == "assistant" and not exchange.completion.tool_calls
