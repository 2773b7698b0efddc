"""What ordinary use shows: small pure detectors over one interaction and what came after it."""

from __future__ import annotations

from persona.distill.detectors.abandonment import abandoned
from persona.distill.detectors.adoption import adopted
from persona.distill.detectors.calls import calls
from persona.distill.detectors.contract import REQUEST, Correction, Exchange, ExchangeDetector, Finding
from persona.distill.detectors.corrections import corrected
from persona.distill.detectors.outcomes import outcomes
from persona.distill.detectors.restatements import restated
from persona.distill.detectors.retries import retried
from persona.distill.detectors.statements import stated
from persona.distill.detectors.thanks import thanked

__all__ = ["DETECTORS", "REQUEST", "Correction", "Exchange", "ExchangeDetector", "Finding", "detect"]

DETECTORS: tuple[ExchangeDetector, ...] = (
    corrected, restated, retried, abandoned, thanked, adopted, stated, outcomes, calls,
)  # fmt: skip


def detect(exchange: Exchange) -> list[Finding]:
    """What every detector finds in the exchange. Pure; no text makes it raise."""
    return [finding for detector in DETECTORS for finding in detector(exchange)]
