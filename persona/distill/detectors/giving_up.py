"""“Never mind”: words with which users leave a request."""

from __future__ import annotations

import re
from functools import lru_cache

from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.tongues import plausible
from store.records import Message

_CLAUSE = re.compile(r"\s*[,–—]\s*")


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
