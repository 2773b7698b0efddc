"""The user gives up: says so, corrects and gets no answer, or leaves when the correction was not followed.

Polarity -1, confidence 0.3. A talk that just ends says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from persona.distill.detectors.before import before
from persona.distill.detectors.contract import Exchange, Finding, by_user
from persona.distill.detectors.corrections import correcting
from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.tongues import plausible
from persona.distill.signals import Detector
from store.records import Message

_CLAUSE = re.compile(r"\s*[,–—]\s*")
_THE_SAME = 90  # of 100: an answer so like the corrected one did not follow the correction


def abandoned(exchange: Exchange) -> Iterator[Finding]:
    """At the end of a talk: the words or the correction after which the user left."""
    reply = exchange.reply()
    if reply is not None:
        place, said = reply
        ends = not any(one.role == "assistant" for one in exchange.after)
        if gives_up(said) or (ends and _corrects(said, exchange.interaction.prompt, exchange.completion)):
            yield Finding(detector=Detector.ABANDONED, span=said.content, place=place)
    elif not exchange.after and (correction := _not_followed(exchange)) is not None:
        yield Finding(detector=Detector.ABANDONED, span=correction.content)


def gives_up(said: Message) -> bool:
    """Does the message say that the user does not want to go on with this?"""
    return _gives_up(said.content)


@lru_cache(maxsize=4096)
def _gives_up(content: str) -> bool:
    sentences = own_sentences(content)
    for tongue in plausible(" ".join(sentence.text for sentence in sentences)):
        for sentence in sentences[:3]:
            soft = tongue.soft_head.match(sentence.text)
            bare = sentence.text[soft.end() :] if soft else sentence.text
            said = [sentence.text, bare]
            if not sentence.asks:
                said += [_CLAUSE.split(text)[0] for text in said]
            if any(tongue.gives_up.fullmatch(text) for text in said if text):
                return True
    return False


def _corrects(said: Message, prompt: Sequence[Message], completion: Message) -> bool:
    return correcting(own_sentences(said.content), before(prompt, completion)) is not None


def _not_followed(exchange: Exchange) -> Message | None:
    """The correction that this last answer was given to, where the answer is the corrected one again."""
    prompt = exchange.interaction.prompt
    if len(prompt) < 2 or prompt[-2].role != "assistant" or not by_user(prompt[-1]):
        return None
    corrected, correction = prompt[-2], prompt[-1]
    if not corrected.content or fuzz.ratio(corrected.content, exchange.completion.content) < _THE_SAME:
        return None
    return correction if _corrects(correction, prompt[:-2], corrected) else None
