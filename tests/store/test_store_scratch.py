"""The scratch store: one state, to work in beside those who write; and the mark of what was decided since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from store_facts import AT, feedback, interaction, preference, signal
from store_night import one_night

import store.database as database_module
from store import Store
from store.errors import StoreBusy
from store.records import FeedbackKind, LedgerEvent, PreferenceStatus, Split


@pytest.fixture(params=["delete", "wal"])
def store(path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """With either journal."""
    monkeypatch.setattr(database_module, "journal_mode", lambda _: request.param)
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.1)
    with Store.open(path) as opened:
        yield opened
        assert [] == opened.verify()


def in_none(_: Store) -> AbstractContextManager[None]:
    return nullcontext()


@pytest.mark.parametrize("around", [in_none, Store.transaction])
def test_what_is_written_there_is_gone(
    store: Store, around: Callable[[Store], AbstractContextManager[None]]
) -> None:
    """It can be read there, and stays nowhere else; the store works on."""
    with around(store):
        store.interactions.add(interaction("before"))
        with store.scratch() as scratch:
            assert 1 == scratch.interactions.count()
            scratch.interactions.add(interaction("tried"))
            assert 2 == scratch.interactions.count()
            assert [] == scratch.verify()
        store.interactions.add(interaction("after"))
    assert 2 == store.interactions.count()


def test_others_write_meanwhile(store: Store, path: Path) -> None:
    """Whoever works in it holds no lock, and sees nothing of what comes in."""
    store.interactions.add(interaction("before"))
    with store.scratch() as scratch, Store.open(path) as other:
        with scratch.transaction():
            scratch.interactions.add(interaction("tried"))
            other.interactions.add(interaction("other"))
        store.interactions.add(interaction("own"))
        assert 2 == scratch.interactions.count()
    assert 3 == store.interactions.count()


def test_an_error_there_is_passed_on(store: Store) -> None:
    """What was tried is undone with it, and the transaction around it goes on."""

    def fail() -> None:
        with store.scratch() as scratch:
            scratch.interactions.add(interaction("tried"))
            raise KeyError

    with store.transaction():
        with pytest.raises(KeyError):
            fail()
        store.interactions.add(interaction("after"))
    assert 1 == store.interactions.count()


@pytest.mark.parametrize("store", ["delete"], indirect=True)
def test_it_waits_no_longer_than_others(store: Store, path: Path) -> None:
    """While another has the file to itself there is no state to copy: StoreBusy, as for any reader."""
    with Store.open(path) as other:
        other.database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy), store.scratch():
            pytest.fail("a state of a file that is another's")
        other.database.execute("ROLLBACK")


def test_facts_leave_the_mark(store: Store) -> None:
    """What is only added takes nothing back; and a copy has the mark of its state."""
    before = store.mark()
    asked = interaction()
    store.interactions.add(asked)
    store.feedback.add(feedback(kind=FeedbackKind.UP, interaction=asked.id))
    store.signals.add([signal(interaction=asked.id)])
    with store.scratch() as scratch:
        assert before == store.mark() == scratch.mark()


def test_every_decision_moves_the_mark(store: Store) -> None:
    """An entry, an event, evidence and a split each do."""
    asked = interaction()
    store.interactions.add(asked)
    seen = signal(interaction=asked.id)
    store.signals.add([seen])
    entry = preference()
    marks = [store.mark()]
    for decide in (
        lambda: store.ledger.record(entry, reason="seen"),
        lambda: store.ledger.sight(entry.id, [seen.id], AT),
        lambda: store.ledger.append(
            LedgerEvent(preference=entry.id, at=AT, status=PreferenceStatus.RETIRED, reason="by hand")
        ),
        lambda: store.snapshots.assign("c-1", Split.TRAIN),
    ):
        decide()
        marks.append(store.mark())
    assert len(marks) == len(set(marks))


def test_forgetting_moves_the_mark(store: Store) -> None:
    """So does forgetting what nothing was made of, and adding it again does not move it back."""
    one_night(store)
    asked = interaction("told in passing")
    store.interactions.add(asked)
    before = store.mark()
    store.forget(at=AT, interactions=[asked.id])
    store.interactions.add(asked)
    assert before != store.mark()
