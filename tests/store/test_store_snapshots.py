"""Frozen sets and sticky splits."""

from __future__ import annotations

import dataclasses

import pytest
from store_facts import AT, demonstration, later, preference, snapshot

from store import Store
from store.errors import SplitMoved, UnknownId, WrongId
from store.records import Split

ONE = demonstration("one", conversation="c-1")
TWO = demonstration("two", conversation="c-2")
THREE = demonstration("three", conversation="c-2")


def test_snapshot_comes_back_whole(store: Store) -> None:
    """Examples in their order, and the preferences as they were when it was frozen."""
    store.examples.add([ONE, TWO, THREE])
    entry = preference(checker={"kind": "max_words", "n": 9})
    frozen = snapshot(train=(THREE.id, TWO.id), held_out=(ONE.id,), preferences=(entry,))
    assert store.snapshots.freeze(frozen)
    assert not store.snapshots.freeze(dataclasses.replace(frozen, at=later(1)))
    assert frozen == store.snapshots.get(frozen.id)
    assert [frozen] == store.snapshots.all()


def test_latest_is_the_one_frozen_last(store: Store) -> None:
    """By its time, not by the order of writing; none in an empty store."""
    assert store.snapshots.latest() is None
    store.examples.add([ONE, TWO])
    newer, older = snapshot(train=(ONE.id,), at=later(1)), snapshot(train=(TWO.id,))
    for each in [newer, older]:
        store.snapshots.freeze(each)
    assert newer == store.snapshots.latest()
    assert [older, newer] == store.snapshots.all()


def test_freezing_binds_conversations(store: Store) -> None:
    """Each conversation belongs to the split in which its examples stand."""
    store.examples.add([ONE, TWO, THREE])
    store.snapshots.freeze(snapshot(train=(TWO.id, THREE.id), held_out=(ONE.id,)))
    assert {"c-1": Split.HELD_OUT, "c-2": Split.TRAIN} == store.snapshots.splits()


def test_held_out_conversation_is_never_trained_on(store: Store) -> None:
    """A snapshot that would is refused whole."""
    store.examples.add([ONE, TWO, THREE])
    store.snapshots.assign("c-1", Split.HELD_OUT)
    with pytest.raises(SplitMoved, match="held_out"):
        store.snapshots.freeze(snapshot(train=(TWO.id, ONE.id)))
    with pytest.raises(SplitMoved):
        store.snapshots.freeze(snapshot(train=(TWO.id,), held_out=(THREE.id,)))
    assert ([], {"c-1": Split.HELD_OUT}) == (store.snapshots.all(), store.snapshots.splits())


def test_split_is_decided_once(store: Store) -> None:
    """The same again is fine, the other is refused."""
    assert store.snapshots.split_of("c-1") is None
    store.snapshots.assign("c-1", Split.TRAIN)
    store.snapshots.assign("c-1", Split.TRAIN)
    with pytest.raises(SplitMoved, match="train"):
        store.snapshots.assign("c-1", Split.HELD_OUT)
    assert Split.TRAIN is store.snapshots.split_of("c-1")


def test_snapshot_names_what_is_there(store: Store) -> None:
    """Unknown examples and snapshots are refused by name, wrong ids with the right one."""
    with pytest.raises(UnknownId, match=ONE.id):
        store.snapshots.freeze(snapshot(train=(ONE.id,)))
    with pytest.raises(UnknownId, match="d-none"):
        store.snapshots.get("d-none")
    with pytest.raises(WrongId, match=snapshot().id):
        store.snapshots.freeze(dataclasses.replace(snapshot(), id="d-1"))
    assert store.snapshots.freeze(snapshot())
    assert AT == store.snapshots.get(snapshot().id).at
