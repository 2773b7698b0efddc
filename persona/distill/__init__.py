"""What the user taught, compiled: store -> signals -> ledger -> examples -> snapshot."""

from __future__ import annotations

from persona.distill.active import given_up
from persona.distill.entries import Change
from persona.distill.probes import Probe, probes
from persona.distill.snapshot import Distilled, distill, revise_ledger

__all__ = ["Change", "Distilled", "Probe", "distill", "given_up", "probes", "revise_ledger"]
