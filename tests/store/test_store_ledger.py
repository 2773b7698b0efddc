"""The ledger: entries, events, evidence."""

from __future__ import annotations

import dataclasses

import pytest
from store_facts import AT, later, preference, signal

from store import Store
from store.errors import DuplicateActive, UnknownId
from store.records import LedgerEvent, Preference, PreferenceStatus

ACTIVE, SUPERSEDED = PreferenceStatus.ACTIVE, PreferenceStatus.SUPERSEDED
CONTESTED, RETIRED = PreferenceStatus.CONTESTED, PreferenceStatus.RETIRED


def event(entry: Preference, status: PreferenceStatus, **more: object) -> LedgerEvent:
    fields = {"preference": entry.id, "at": later(1), "status": status, "reason": "because"}
    return LedgerEvent(**fields | more)  # type: ignore[arg-type]


def test_entry_comes_back_whole(store: Store) -> None:
    """With its checker, its evidence in order and its times."""
    store.signals.add([signal("a"), signal("b")])
    entry = preference(
        checker={"kind": "max_sentences", "n": 2},
        signals=(signal("b").id, signal("a").id),
        first_seen=AT,
        last_seen=later(2),
        source="stated",
    )
    assert store.ledger.record(entry, reason="mined")
    assert entry == store.ledger.get(entry.id)
    assert [LedgerEvent(preference=entry.id, at=AT, status=ACTIVE, reason="mined")] == store.ledger.history(
        entry.id
    )


def test_entry_is_recorded_once(store: Store) -> None:
    """Recording it again changes nothing, whatever differs around it."""
    store.ledger.record(preference(), reason="first")
    store.ledger.append(event(preference(), RETIRED))
    assert not store.ledger.record(preference(last_seen=later(9)), reason="second")
    assert RETIRED is store.ledger.get(preference().id).status
    assert 2 == len(store.ledger.history(preference().id))


def test_status_is_the_last_event(store: Store) -> None:
    """Whatever the times of the events say; the history keeps them all."""
    entry = preference()
    store.ledger.record(entry, reason="seen")
    for status in [CONTESTED, ACTIVE, RETIRED, ACTIVE]:
        store.ledger.append(event(entry, status, at=AT))
        assert status is store.ledger.get(entry.id).status
        assert [entry.id] * (status is ACTIVE) == [each.id for each in store.ledger.active()]
    assert [ACTIVE, CONTESTED, ACTIVE, RETIRED, ACTIVE] == [
        each.status for each in store.ledger.history(entry.id)
    ]


def test_changed_mind(store: Store) -> None:
    """In one transaction the old entry steps back for one that comes after it."""
    old, new = preference("short"), preference("long", first_seen=later(1), last_seen=later(1))
    store.ledger.record(old, reason="seen")
    with store.transaction():
        store.ledger.append(event(old, SUPERSEDED, by=new.id))
        store.ledger.record(new, reason="changed")
    assert dataclasses.replace(old, status=SUPERSEDED, superseded_by=new.id) == store.ledger.get(old.id)
    assert [new] == store.ledger.active()
    assert [old.id, new.id] == [each.id for each in store.ledger.all()]


def test_two_active_entries_never_share_their_subject(store: Store) -> None:
    """Neither by recording nor by an event; another scope or attribute is another subject."""
    first, second = preference("short"), preference("long")
    store.ledger.record(first, reason="seen")
    with pytest.raises(DuplicateActive, match=first.id):
        store.ledger.record(second, reason="seen")
    assert [first] == store.ledger.all()
    store.ledger.record(dataclasses.replace(second, status=CONTESTED), reason="seen")
    with pytest.raises(DuplicateActive) as refused:
        store.ledger.append(event(second, ACTIVE))
    assert first.id == refused.value.active
    store.ledger.record(preference("long", scope="tool:weather"), reason="seen")
    store.ledger.record(preference("long", attribute="tone"), reason="seen")
    assert 3 == len(store.ledger.active())
    store.ledger.append(event(first, ACTIVE))  # to stay active is no conflict


def test_sighting_adds_evidence(store: Store) -> None:
    """Each signal counts once; the entry was last seen when its latest evidence was."""
    store.signals.add([signal("a"), signal("b")])
    entry = preference(signals=(signal("a").id,))
    store.ledger.record(entry, reason="seen")
    assert 1 == store.ledger.sight(entry.id, [signal("a").id, signal("b").id], later(5))
    assert 0 == store.ledger.sight(entry.id, [signal("b").id], later(50))
    seen = store.ledger.get(entry.id)
    assert (signal("a").id, signal("b").id) == seen.signals
    assert (AT, later(5)) == (seen.first_seen, seen.last_seen)
    store.signals.add([signal("c")])
    store.ledger.sight(entry.id, [signal("c").id], later(-5))
    assert later(5) == store.ledger.get(entry.id).last_seen


def test_ledger_names_what_is_there(store: Store) -> None:
    """Unknown entries and signals are refused by name."""
    with pytest.raises(UnknownId, match="p-none"):
        store.ledger.get("p-none")
    with pytest.raises(UnknownId, match="p-none"):
        store.ledger.history("p-none")
    with pytest.raises(UnknownId, match="p-none"):
        store.ledger.sight("p-none", [], AT)
    with pytest.raises(UnknownId, match="preference"):
        store.ledger.append(event(preference(), RETIRED))
    with pytest.raises(UnknownId, match="s-none"):
        store.ledger.record(preference(signals=("s-none",)), reason="seen")
    assert [] == store.ledger.all()


def test_entries_and_events_are_never_rewritten(store: Store) -> None:
    """SQLite itself refuses, whoever asks."""
    import sqlite3

    store.ledger.record(preference(), reason="seen")
    for change in [
        "preferences SET statement = 'x'",
        "ledger_events SET status = 'retired'",
        "ledger_events SET at = ''",
    ]:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            store.database.execute(f"UPDATE {change}")
    assert [preference()] == store.ledger.all()
