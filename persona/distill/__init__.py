"""What the user taught, compiled: store -> signals -> ledger -> examples -> snapshot."""

from __future__ import annotations

from persona.distill.active import given_up
from persona.distill.entries import Change
from persona.distill.likeness import prompt_key
from persona.distill.probes import Probe, bounded, probes
from persona.distill.snapshot import Distilled, distill, revise_ledger

__all__ = [
    "Change",
    "Distilled",
    "Probe",
    "bounded",
    "distill",
    "given_up",
    "probes",
    "prompt_key",
    "revise_ledger",
]
