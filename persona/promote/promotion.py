"""A Verdict becomes an Operation: the only way from a judged candidate to the champion."""

from __future__ import annotations

from adapters import Operation, Registry
from persona.promote.gate import Verdict


def apply(verdict: Verdict, registry: Registry, *, candidate: str, champion: str) -> Operation:
    """Promotes or rejects `candidate`; `champion` is the one that it was judged against.

    Compare-and-swap: if another revision became champion since, adapters.errors.ChampionMoved is raised and
    nothing changes, since the verdict no longer says anything about it.
    """
    reason = "; ".join(verdict.reasons)
    if verdict.accepted:
        return registry.promote(candidate, expected=champion, reason=reason)
    return registry.reject(candidate, reason=reason)
