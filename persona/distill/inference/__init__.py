"""What many acts show together: preferences that nobody stated, and tests of them."""

from __future__ import annotations

from persona.distill.inference.conflict import DAYS, Conflict, conflicts, switches
from persona.distill.inference.infer import Evidence, Finding, Inference, infer, within
from persona.distill.inference.observations import Observation, asked_by, observe
from persona.distill.inference.trial import FEWEST_VOTES, Reader

__all__ = [
    "DAYS",
    "FEWEST_VOTES",
    "Conflict",
    "Evidence",
    "Finding",
    "Inference",
    "Observation",
    "Reader",
    "asked_by",
    "conflicts",
    "infer",
    "observe",
    "switches",
    "within",
]
