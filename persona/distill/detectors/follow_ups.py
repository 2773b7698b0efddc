"""The next message corrects the answer: it says no, judges it, says what was meant, or asks for a change.

Polarity -1, confidence 0.7. Invariant: only the user's own words are quoted.
"""

from __future__ import annotations

from collections.abc import Iterator

from persona.distill.detectors.content import asked_instead
from persona.distill.detectors.contract import Exchange, Finding
from persona.distill.detectors.judge import judged_reply
from persona.distill.signals import Detector


def corrected(exchange: Exchange) -> Iterator[Finding]:
    """The correction of the completion by the next message, at most one."""
    reply, judgement = exchange.reply(), judged_reply(exchange)
    if reply is None or judgement is None or judgement.correcting is None:
        return
    found = judgement.correcting
    yield Finding(
        detector=Detector.FOLLOW_UP,
        span=" ".join(sentence.raw for sentence in found.sentences),
        place=reply[0],
        correction=asked_instead(found.sentences, found.tongue),
    )
