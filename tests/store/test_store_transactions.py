"""Transactions: all or nothing, and durable when they are left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from store_facts import AT, answer, ask, conversation, feedback, interaction, preference, snapshot

import store.database as database_module
from store import Store
from store.database import Database
from store.errors import DanglingReference, StoreBusy, StoreFull, StoreUnusable, UnknownId, Unstorable
from store.records import FeedbackKind, LedgerEvent, PreferenceStatus, Split


class Interrupted(Exception):
    pass


def add_and_fail(store: Store, content: str = "gone") -> None:
    with store.transaction():
        store.interactions.add(interaction(content))
        raise Interrupted


def test_block_that_raises_leaves_nothing(store: Store) -> None:
    """What was written before the error is undone."""
    with pytest.raises(Interrupted):
        add_and_fail(store)
    assert 0 == store.interactions.count()
    assert [] == store.verify()


def test_inner_block_commits_with_the_outer_one(store: Store, path: Path) -> None:
    """Nobody else sees a fact before the outermost block is left."""
    with Store.open(path) as other:
        with store.transaction():
            with store.transaction():
                store.interactions.add(interaction())
            assert 0 == other.interactions.count()
        assert 1 == other.interactions.count()


def test_lock_is_taken_at_the_beginning(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads in a transaction and writes later cannot be overtaken: the second one waits at its door."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    with Store.open(path) as other:
        with store.transaction():
            with pytest.raises(StoreBusy), other.transaction():
                pytest.fail("two writers at once")
            assert store.interactions.add(interaction())
        assert 1 == other.interactions.count()


def test_failed_inner_block_is_undone_alone(store: Store) -> None:
    """The outer block may catch the error and go on: its own writes stand, the failed ones are gone."""
    with store.transaction():
        store.interactions.add(interaction())
        for _ in range(2):
            with pytest.raises(Interrupted):
                add_and_fail(store)
        store.snapshots.assign("c-1", Split.TRAIN)
    assert 1 == store.interactions.count()
    assert {"c-1": Split.TRAIN} == store.snapshots.splits()


def test_refused_call_writes_nothing(store: Store) -> None:
    """A call that fails half-way has done nothing, inside a larger transaction too."""
    with store.transaction(), pytest.raises(UnknownId):
        store.snapshots.freeze(snapshot(train=("e-missing",)))
    assert [] == store.snapshots.all()


def test_reference_that_is_never_added_is_refused(store: Store) -> None:
    """A successor may be named before it is recorded, and not without ever being recorded."""
    old = preference()
    store.ledger.record(old, reason="seen")
    stepping_back = LedgerEvent(
        preference=old.id, at=AT, status=PreferenceStatus.SUPERSEDED, reason="changed", by="p-never"
    )
    with pytest.raises(DanglingReference, match="preferences"):
        store.ledger.append(stepping_back)
    assert PreferenceStatus.ACTIVE == store.ledger.get(old.id).status


def fill(store: Store) -> None:
    for number in range(10_000):
        store.interactions.add(interaction(f"{number} " + "filler " * 200))


def leave_pages(store: Store, pages: int) -> None:
    used = store.database.value("PRAGMA page_count")
    store.database.execute(f"PRAGMA max_page_count = {int(used or 0) + pages}")


def test_full_disk_is_one_clear_error(store: Store) -> None:
    """What was committed stands, what was in flight is gone, and with more space the store works on."""
    leave_pages(store, 20)
    with pytest.raises(StoreFull, match="no space left"):
        fill(store)
    kept = store.interactions.count()
    assert 0 < kept < 10_000
    assert [] == store.verify()
    leave_pages(store, 1000)
    assert store.interactions.add(interaction("after"))
    assert kept + 1 == store.interactions.count()


def fill_inside_a_block(store: Store) -> None:
    with store.transaction():
        store.interactions.add(interaction("first"))
        with pytest.raises(StoreFull):
            fill(store)
        store.interactions.add(interaction("a part " + "filler " * 2000))


def test_full_disk_ends_the_whole_transaction(store: Store) -> None:
    """Swallowing the error of an inner write does not get a part of the outer block committed unseen."""
    leave_pages(store, 20)
    with pytest.raises((StoreUnusable, StoreFull)):
        fill_inside_a_block(store)
    assert 0 == store.interactions.count()


def undone_before_its_end(store: Store) -> None:
    with store.transaction():
        store.interactions.add(interaction())
        store.database.execute("ROLLBACK")


def undone_before_its_write(store: Store) -> None:
    with store.transaction():
        store.database.execute("ROLLBACK")
        store.interactions.add(interaction())


@pytest.mark.parametrize("undone", [undone_before_its_end, undone_before_its_write])
def test_transaction_that_was_undone_is_not_taken_for_done(
    store: Store, undone: Callable[[Store], None]
) -> None:
    """When an error has ended a transaction, neither its next write nor its end passes."""
    with pytest.raises(StoreUnusable, match="undid"):
        undone(store)
    assert 0 == store.interactions.count()
    assert store.interactions.add(interaction("the next one is whole"))


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_text_that_is_no_text_is_refused(store: Store, text: str) -> None:
    """Half a surrogate pair, as broken JSON brings it, is refused with a reason and nothing is written."""
    with pytest.raises(Unstorable, match="Unicode"):
        store.interactions.add_conversation(conversation("c-1", ask("fine"), answer(text)))
    with pytest.raises(Unstorable, match="Unicode"):
        store.snapshots.assign(text, Split.TRAIN)
    assert 0 == store.interactions.count()
    assert {} == store.snapshots.splits()


def test_write_outside_a_transaction_is_a_bug(store: Store) -> None:
    """The database refuses to write where nobody took the lock."""
    database: Database = store.database
    with pytest.raises(AssertionError):
        database.insert("splits", {"conversation": "c-1", "split": "train"})


def test_iterating_does_not_hold_the_lock(store: Store, path: Path) -> None:
    """A half-read iterator lets this and other connections write."""
    for number in range(3):
        store.interactions.add(interaction(f"{number}"))
    reading = store.interactions.all()
    first = next(reading)
    with Store.open(path) as other:
        other.interactions.add(interaction("other"))
    store.feedback.add(feedback(kind=FeedbackKind.UP, interaction=first.id))
    assert 2 == len(list(reading))
