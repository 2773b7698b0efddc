"""The user states a lasting preference in passing: "from now on answer in metric", "never use emoji".

Polarity 0, confidence 0.9. A sentence counts only when it begins with the wish; a question or a report of
what somebody else wants never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from persona.checker import parse_statement
from persona.distill.detectors.contract import REQUEST, Exchange, Finding
from persona.distill.detectors.own_words import Sentence, own_sentences
from persona.distill.detectors.tongues import Tongue, plausible
from persona.distill.signals import Detector

_LONGEST = 40  # words
_SHORTEST = 2


def stated(exchange: Exchange) -> Iterator[Finding]:
    """The sentences of the replies that state a preference; of the request too when it opens the talk."""
    spoken = list(exchange.replies())
    request = exchange.request()
    if request is not None and all(one.role != "assistant" for one in exchange.interaction.prompt):
        spoken.insert(0, (REQUEST, request))
    for place, said in spoken:
        for sentence in statements(own_sentences(said.content)):
            yield Finding(detector=Detector.STATED_IN_CHAT, span=sentence.raw, place=place)


def statements(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """The sentences that state a lasting preference."""
    for sentence in sentences:
        if sentence.asks or not _SHORTEST <= sentence.words <= _LONGEST:
            continue
        if any(_states(sentence, tongue) for tongue in plausible(sentence.text)):
            yield sentence


def _states(sentence: Sentence, tongue: Tongue) -> bool:
    text = sentence.text
    soft = tongue.soft_head.match(text)
    for start in {0: None, soft.end() if soft else 0: None}:
        rest = text[start:]
        if (found := tongue.lasting_head.match(rest)) and rest[found.end() :].strip(" .,:!"):
            return True
        if tongue.always_head.match(rest):
            return True
        if tongue.hints_head.match(rest) and _is_read(sentence):
            return tongue.lasts.search(rest) is not None
    return False


def _is_read(sentence: Sentence) -> bool:
    return any(not parsed.attribute.startswith("free.") for parsed in parse_statement(sentence.raw))
