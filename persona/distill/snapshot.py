"""The whole way from the store's interactions to a frozen snapshot, in one transaction.

Invariant: without news, distilling again gives the same snapshot and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from persona.distill.active import ActivePreference, active_preferences
from persona.distill.choices import take_corrected_choices
from persona.distill.entries import Change, Entries, Key, key_of
from persona.distill.evidence import Mined, mine
from persona.distill.examples import draft
from persona.distill.habits import take_corrected_calls
from persona.distill.inference import observe
from persona.distill.inferred import take_inferred
from persona.distill.ledger import take_edits, take_statements
from persona.distill.repeated import repeated
from persona.distill.selection import MAX_EXAMPLES
from persona.distill.split import assign_splits
from store import Store
from store.identity import with_id
from store.records import (
    DatasetSnapshot,
    Demonstration,
    Example,
    PreferenceStatus,
    Split,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Distilled:
    """What a night has to learn from, and how it came about.

    `examples` counts demonstrations, pairs, train and held_out; `dropped` what was left out, by reason.
    """

    snapshot: DatasetSnapshot
    examples: Mapping[str, int]
    dropped: Mapping[str, int]
    new_signals: int
    changes: tuple[Change, ...]


def distill(
    store: Store, *, now: datetime, held_out_share: float = 0.2, max_examples: int = MAX_EXAMPLES
) -> Distilled:
    """Mine the signals, revise the ledger, write the examples, assign the splits, freeze the snapshot.

    All of it or nothing. `now` is only the time written on the snapshot; it has at most `max_examples`.
    """
    with store.transaction():
        mined = mine(store)
        new_signals = store.signals.add(mined.signals())
        changes, active = _revise(store, mined)
        drafted = draft(mined.judged, active, max_examples=max_examples)
        store.examples.add(drafted.examples)
        splits = _split(store, drafted.examples, held_out_share)
        snapshot = _frozen(store, drafted.examples, splits, active, now)
    return Distilled(
        snapshot=snapshot,
        examples=_counts(drafted.examples, snapshot),
        dropped=dict(sorted(drafted.dropped.items())),
        new_signals=new_signals,
        changes=tuple(changes),
    )


def revise_ledger(store: Store, *, infer: bool = True) -> tuple[Change, ...]:
    """Bring the ledger up to date with what was said and done, and make no examples: a stated preference
    shows, and works in the prompt, before any night. Without `infer` only what was stated and corrected is
    read, which takes no statistics and no second.
    """
    with store.transaction():
        mined = mine(store)
        store.signals.add(mined.signals())
        changes, _ = _revise(store, mined, infer=infer)
    return tuple(changes)


def _revise(store: Store, mined: Mined, *, infer: bool = True) -> tuple[list[Change], list[ActivePreference]]:
    entries = Entries(store.ledger.all())
    decided = _decided(store, entries)
    settled = _settled(store, entries)
    closed = {key: max(decided.get(key, at), at) for key, at in settled.items()}
    take_statements(entries, mined.statements, tools=mined.tools, decided=decided | closed)
    take_corrected_calls(entries, mined.edits(), decided)
    take_corrected_choices(entries, mined.judged, decided)
    if infer:
        said = _said(entries, mined, settled)
        take_inferred(entries, observe(mined.judged), decided, said, repeated(mined))
    take_edits(entries, mined.edits(), active_preferences(entries.all()))
    entries.apply(store)
    active = active_preferences(store.ledger.all())
    return entries.changes, sorted(active, key=lambda each: key_of(each.preference))


def _decided(store: Store, entries: Entries) -> dict[Key, datetime]:
    """When the user last retired an entry of each key."""
    decided: dict[Key, datetime] = {}
    for entry in entries.all():
        if entry.status is PreferenceStatus.RETIRED:
            at = store.ledger.history(entry.id)[-1].at
            decided[key_of(entry)] = max(at, decided.get(key_of(entry), at))
    return decided


def _settled(store: Store, entries: Entries) -> dict[Key, datetime]:
    """When the user last said by hand which one of each key is meant."""
    settled: dict[Key, datetime] = {}
    for entry in entries.all():
        for event in store.ledger.history(entry.id):
            if event.pinned:
                settled[key_of(entry)] = max(event.at, settled.get(key_of(entry), event.at))
    return settled


def _said(entries: Entries, mined: Mined, settled: Mapping[Key, datetime]) -> dict[str, datetime]:
    """When each statement that acts may contest was last made, or settled by hand; none that is pinned."""
    at = {each.signal.id: each.signal.at for each in mined.statements}
    said: dict[str, datetime] = {}
    for entry in entries.all():
        times = [at[signal] for signal in entry.signals if signal in at]
        if entry.source == "stated" and times and not entry.pinned:
            said[entry.id] = max([*times, settled.get(key_of(entry), times[0])])
    return said


def _split(store: Store, examples: Sequence[Example], share: float) -> dict[str, Split]:
    """Assign the conversations that are new, by what they give examples of; the splits of all."""
    topics: dict[str, frozenset[str]] = {}
    for example in examples:
        answer = example.completion if isinstance(example, Demonstration) else example.chosen
        called = {f"tool:{call.name}" for call in answer.tool_calls}
        known = topics.get(example.conversation, frozenset())
        topics[example.conversation] = known | called | set(example.preferences)
    for conversation, split in assign_splits(topics, store.snapshots.splits(), share=share).items():
        store.snapshots.assign(conversation, split)
    return store.snapshots.splits()


def _frozen(
    store: Store,
    examples: Sequence[Example],
    splits: Mapping[str, Split],
    active: Sequence[ActivePreference],
    now: datetime,
) -> DatasetSnapshot:
    def part(split: Split) -> tuple[str, ...]:
        return tuple(example.id for example in examples if splits[example.conversation] is split)

    snapshot = with_id(
        DatasetSnapshot(
            id="",
            at=now,
            train=part(Split.TRAIN),
            held_out=part(Split.HELD_OUT),
            preferences=tuple(each.preference for each in active),
        )
    )
    return snapshot if store.snapshots.freeze(snapshot) else store.snapshots.get(snapshot.id)


def _counts(examples: Sequence[Example], snapshot: DatasetSnapshot) -> dict[str, int]:
    kinds = Counter("demonstrations" if isinstance(each, Demonstration) else "pairs" for each in examples)
    return {
        "demonstrations": kinds["demonstrations"],
        "pairs": kinds["pairs"],
        "train": len(snapshot.train),
        "held_out": len(snapshot.held_out),
    }
