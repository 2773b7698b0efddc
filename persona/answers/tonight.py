"""What the next night would learn from, and what any entry of the ledger rests on."""

from __future__ import annotations

from typing import Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time

_LEARNED = ("promoted", "rejected")  # nights that looked at everything there was


def tonight(persona: Persona) -> dict[str, Any]:
    """Preferences and habits that hold, those new since the last snapshot marked, and what the user did to
    answers since the last night that learned."""
    store = persona.store
    since = next((run.started_at for run in reversed(store.runs.all()) if str(run.state) in _LEARNED), None)
    snapshot = store.snapshots.latest()
    known = {entry.id for entry in snapshot.preferences} if snapshot else set()
    acts = [
        act
        for act in store.feedback.all()
        if act.interaction is not None and (since is None or act.at > since)
    ]
    return {
        "since": since,
        "preferences": [
            {
                "id": entry.id,
                "statement": entry.statement,
                "scope": entry.scope,
                "source": entry.source,
                "pinned": entry.pinned,
                "new": entry.id not in known,
            }
            for entry in store.ledger.active()
        ],
        "acts": [
            {
                "id": act.id,
                "kind": str(act.kind),
                "at": act.at,
                "interaction": act.interaction,
                "question": _question(persona, act.interaction),
                "says": act.reason or act.content,
            }
            for act in acts
        ],
    }


def evidence(persona: Persona, preference: str) -> dict[str, Any]:
    """What an entry of the ledger rests on, latest first. Raises UnknownId."""
    entry = persona.store.ledger.get(preference)
    return {
        "id": entry.id,
        "statement": entry.statement,
        "evidence": [
            {
                "at": signal.at,
                "detector": signal.detector,
                "confidence": signal.confidence,
                "quote": signal.quote,
                "conversation": signal.conversation or _conversation(persona, signal.interaction),
                "interaction": signal.interaction,
            }
            for signal in sorted(
                persona.store.signals.get(entry.signals), key=lambda signal: signal.at, reverse=True
            )
        ],
    }


def _question(persona: Persona, interaction: str | None) -> str:
    if interaction is None:
        return ""
    prompt = persona.store.interactions.get(interaction).prompt
    return next((message.content for message in reversed(prompt) if message.role == "user"), "")


def _conversation(persona: Persona, interaction: str | None) -> str | None:
    return None if interaction is None else persona.store.interactions.get(interaction).conversation
