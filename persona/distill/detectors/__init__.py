"""What ordinary use shows: small pure detectors over one interaction and what came after it."""

from __future__ import annotations

from persona.distill.detectors.abandonment import abandoned
from persona.distill.detectors.adoption import adopted
from persona.distill.detectors.before import plays
from persona.distill.detectors.calls import calls
from persona.distill.detectors.contract import REQUEST, Correction, Exchange, ExchangeDetector, Finding
from persona.distill.detectors.echoes import said_elsewhere
from persona.distill.detectors.follow_ups import corrected
from persona.distill.detectors.outcomes import outcomes
from persona.distill.detectors.own_words import echoes
from persona.distill.detectors.restatements import restated
from persona.distill.detectors.retries import retried
from persona.distill.detectors.statements import stated
from persona.distill.detectors.thanks import thanked
from persona.distill.signals import Detector

__all__ = ["DETECTORS", "REQUEST", "Correction", "Exchange", "ExchangeDetector", "Finding", "detect"]

# In a play, or where texts are dictated, the user's words are part of it: only what happened is read then.
_WORDS: tuple[ExchangeDetector, ...] = (corrected, restated, retried, abandoned, thanked, stated)
_ACTS: tuple[ExchangeDetector, ...] = (adopted, outcomes, calls)
DETECTORS = (*_WORDS, *_ACTS)
# What rests on words alone; a request that is sent again, or words taken over, are acts.
_OF_WORDS = frozenset(
    (
        *(Detector.FOLLOW_UP, Detector.RESTATED, Detector.ABANDONED, Detector.THANKS),
        Detector.STATED_IN_CHAT,
    )
)


def detect(exchange: Exchange) -> list[Finding]:
    """What every detector finds in the exchange, but for words that a model or a tool wrote before.

    Pure; no text makes it raise.
    """
    reply = exchange.reply()
    played = reply is not None and plays(exchange.interaction.prompt, reply[1])
    found = [finding for detector in (_ACTS if played else DETECTORS) for finding in detector(exchange)]
    elsewhere = tuple(said_elsewhere(exchange)) if found else ()
    repeated = reply[0] if reply is not None and echoes(reply[1].content, elsewhere) else None
    return [
        finding
        for finding in found
        if finding.detector not in _OF_WORDS
        or not ((repeated is not None and finding.place == repeated) or echoes(finding.span, elsewhere))
    ]
