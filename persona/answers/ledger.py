"""What the user does to an entry of the ledger: look at it, pin it, say it in other words, settle it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput

if TYPE_CHECKING:
    from store.records import Preference


def entry_json(entry: Preference) -> dict[str, Any]:
    """An entry for people and programs; `question` is what a contested one waits for."""
    from store.json_forms import preference_json

    found = {**preference_json(entry), "pinned": entry.pinned}
    return {**found, "question": question(entry)} if entry.status == "contested" else found


def question(entry: Preference) -> str:
    return (
        f"do you want this? `persona preferences settle {entry.id}` if so, "
        f"`persona preferences retire {entry.id}` if not, or say it yourself: `persona prefer …`"
    )


def preference(persona: Persona, id: str) -> dict[str, Any]:  # noqa: A002  # as it is asked for
    """One entry with its history and everything that it rests on, latest first. Raises UnknownId."""
    ledger = persona.store.ledger
    entry = ledger.get(id)
    signals = sorted(persona.store.signals.get(entry.signals), key=lambda one: one.at, reverse=True)
    return {
        **entry_json(entry),
        "history": [asdict(event) for event in ledger.history(id)],
        "evidence": [
            {
                "id": signal.id,
                "at": signal.at,
                "detector": signal.detector,
                "quote": signal.quote,
                "conversation": signal.conversation,
                "interaction": signal.interaction,
            }
            for signal in signals
        ],
    }


def pin_preference(persona: Persona, id: str) -> dict[str, Any]:  # noqa: A002
    """Keep an active entry whatever later answers show; only the user's own words change it then."""
    entry = persona.store.ledger.get(id)
    if entry.status != "active":
        raise BadInput(f"{id} is {entry.status}: only what is active can be pinned; `settle` makes it so")
    return _marked(persona, entry, pinned=True)


def unpin_preference(persona: Persona, id: str) -> dict[str, Any]:  # noqa: A002
    """Let later answers change it again."""
    return _marked(persona, persona.store.ledger.get(id), pinned=False)


def _marked(persona: Persona, entry: Preference, *, pinned: bool) -> dict[str, Any]:
    from store.records import LedgerEvent

    if entry.pinned is not pinned:
        event = LedgerEvent(
            preference=entry.id,
            at=datetime.now(UTC),
            status=entry.status,
            reason="pinned by hand" if pinned else "unpinned by hand",
            by=entry.superseded_by,
            pinned=pinned,
        )
        persona.store.ledger.append(event)
    return {"preference": entry_json(persona.store.ledger.get(entry.id))}


def settle_preference(persona: Persona, id: str) -> dict[str, Any]:  # noqa: A002
    """Say that this one is meant: it is active and pinned, and what stood against it steps back."""
    from store.records import LedgerEvent, PreferenceStatus

    ledger = persona.store.ledger
    entry = ledger.get(id)
    if entry.status is PreferenceStatus.ACTIVE:
        raise BadInput(f"{id} is active already; `pin` keeps it so")
    now = datetime.now(UTC)
    with persona.store.transaction():
        for rival in ledger.all():
            same = (rival.scope, rival.attribute) == (entry.scope, entry.attribute) and rival.id != id
            if same and rival.status in (PreferenceStatus.ACTIVE, PreferenceStatus.CONTESTED):
                ledger.append(
                    LedgerEvent(
                        preference=rival.id,
                        at=now,
                        status=PreferenceStatus.SUPERSEDED,
                        reason="the user settled it",
                        by=id,
                        pinned=False,
                    )
                )
        ledger.append(
            LedgerEvent(
                preference=id, at=now, status=PreferenceStatus.ACTIVE, reason="settled by hand", pinned=True
            )
        )
    return {"preference": entry_json(ledger.get(id))}


def retire_preference(persona: Persona, id: str) -> dict[str, Any]:  # noqa: A002
    """Take an entry out: the last word until the user says it again; its evidence stays."""
    from store.records import LedgerEvent, PreferenceStatus

    ledger = persona.store.ledger
    if ledger.get(id).status is PreferenceStatus.RETIRED:
        raise BadInput(f"{id} is retired already")
    ledger.append(
        LedgerEvent(preference=id, at=datetime.now(UTC), status=PreferenceStatus.RETIRED, reason="by hand")
    )
    return {"preference": entry_json(ledger.get(id))}


def edit_preference(persona: Persona, id: str, text: str) -> dict[str, Any]:  # noqa: A002
    """Say an entry in the user's own words: a new statement, in whose favour the old entry steps back.

    What the words ask for is read anew; where they cannot be read, the new entry works through the prompt and
    has no checker.
    """
    from persona.distill import revise_ledger
    from store.identity import with_id
    from store.records import Feedback, FeedbackKind, LedgerEvent, PreferenceStatus

    store = persona.store
    old = store.ledger.get(id)
    if not text.strip():
        raise BadInput("the preference is empty: say it in your own words, or `retire` it")
    if text.strip() == old.statement and old.source == "stated":
        raise BadInput(f"{id} says so already")
    now = datetime.now(UTC)
    stated = with_id(Feedback(id="", kind=FeedbackKind.PREFERENCE, at=now, content=text.strip()))
    with store.transaction():
        store.feedback.add(stated)
        changes = revise_ledger(store, infer=False)
        made = [
            entry
            for entry in store.ledger.all()
            if entry.status in (PreferenceStatus.ACTIVE, PreferenceStatus.CONTESTED)
            and any(signal.feedback == stated.id for signal in store.signals.get(entry.signals))
        ]
        left = store.ledger.get(id)
        stands = left.status in (PreferenceStatus.ACTIVE, PreferenceStatus.CONTESTED)
        meant = bool(made) and made[0].status is PreferenceStatus.ACTIVE
        if meant and stands and left.id not in {entry.id for entry in made}:
            store.ledger.append(
                LedgerEvent(
                    preference=id,
                    at=now,
                    status=PreferenceStatus.SUPERSEDED,
                    reason="the user said it in other words",
                    by=made[0].id,
                )
            )
    return {
        "preferences": [entry_json(entry) for entry in made],
        "superseded": id,
        "changes": [asdict(change) for change in changes],
    }
