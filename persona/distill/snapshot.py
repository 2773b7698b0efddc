"""The whole way from the store's interactions to a frozen snapshot, of one state of the store.

It is worked out beside whoever writes (persona.distill.aside) and kept in one transaction.
Invariant: without news, distilling again gives the same snapshot and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from persona.distill.active import ActivePreference, active_preferences
from persona.distill.aside import aside
from persona.distill.choices import take_corrected_choices
from persona.distill.entries import Change, Entries, Key, key_of
from persona.distill.evidence import Mined, mine
from persona.distill.examples import Drafted, draft
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
    Signal,
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

    All of it or nothing, of the store as it was at the beginning; whoever writes meanwhile does not wait.
    `now` is only the time written on the snapshot; it has at most `max_examples`.
    """

    def work(scratch: Store) -> _Learnt:
        with scratch.transaction():
            revised = _revised(scratch)
            drafted = draft(revised.mined.judged, revised.active, max_examples=max_examples)
            splits = _new_splits(scratch, drafted.examples, held_out_share)
            known = {**scratch.snapshots.splits(), **splits}
        snapshot = _snapshot(drafted.examples, known, revised.active, now)
        return _Learnt(revised=revised, drafted=drafted, splits=splits, snapshot=snapshot)

    return aside(store, work=work, keep=_keep)


def revise_ledger(store: Store, *, infer: bool = True) -> tuple[Change, ...]:
    """Bring the ledger up to date with what was said and done, and make no examples: a stated preference
    shows, and works in the prompt, before any night. Without `infer` only what was stated and corrected is
    read, which takes no statistics. Whoever writes meanwhile does not wait.
    """

    def work(scratch: Store) -> _Revised:
        with scratch.transaction():
            return _revised(scratch, infer=infer)

    def keep(store: Store, revised: _Revised) -> tuple[Change, ...]:
        revised.keep(store)
        return tuple(revised.entries.changes)

    return aside(store, work=work, keep=keep)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Revised:
    """What was mined, and what it makes of the ledger. `signals` are those that the store did not have."""

    mined: Mined
    signals: tuple[Signal, ...]
    entries: Entries
    active: tuple[ActivePreference, ...]

    def keep(self, store: Store) -> int:
        """The number of signals that were new. Only inside a transaction."""
        new = store.signals.add(self.signals)
        self.entries.apply(store)
        return new


@dataclass(frozen=True, kw_only=True, slots=True)
class _Learnt:
    """All that a distil writes; `splits` are those that are new."""

    revised: _Revised
    drafted: Drafted
    splits: Mapping[str, Split]
    snapshot: DatasetSnapshot


def _keep(store: Store, learnt: _Learnt) -> Distilled:
    new_signals = learnt.revised.keep(store)
    store.examples.add(learnt.drafted.examples)
    for conversation, split in learnt.splits.items():
        store.snapshots.assign(conversation, split)
    frozen = store.snapshots.freeze(learnt.snapshot)
    snapshot = learnt.snapshot if frozen else store.snapshots.get(learnt.snapshot.id)
    return Distilled(
        snapshot=snapshot,
        examples=_counts(learnt.drafted.examples, snapshot),
        dropped=dict(sorted(learnt.drafted.dropped.items())),
        new_signals=new_signals,
        changes=tuple(learnt.revised.entries.changes),
    )


def _revised(scratch: Store, *, infer: bool = True) -> _Revised:
    """The ledger as it comes to stand, written into `scratch`, where what it rests on is written too."""
    mined = mine(scratch)
    known = {signal.id for signal in scratch.signals.all()}
    signals = tuple(signal for signal in mined.signals() if signal.id not in known)
    scratch.signals.add(signals)
    entries = Entries(scratch.ledger.all())
    decided = _decided(scratch, entries)
    settled = _settled(scratch, entries)
    closed = {key: max(decided.get(key, at), at) for key, at in settled.items()}
    take_statements(entries, mined.statements, tools=mined.tools, decided=decided | closed)
    take_corrected_calls(entries, mined.edits(), decided)
    take_corrected_choices(entries, mined.judged, decided)
    if infer:
        said = _said(entries, mined, settled)
        take_inferred(entries, observe(mined.judged), decided, said, repeated(mined))
    take_edits(entries, mined.edits(), active_preferences(entries.all()))
    entries.apply(scratch)
    active = sorted(active_preferences(scratch.ledger.all()), key=lambda each: key_of(each.preference))
    return _Revised(mined=mined, signals=signals, entries=entries, active=tuple(active))


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


def _new_splits(store: Store, examples: Sequence[Example], share: float) -> dict[str, Split]:
    """Of the conversations that are new, by what they give examples of."""
    topics: dict[str, frozenset[str]] = {}
    for example in examples:
        answer = example.completion if isinstance(example, Demonstration) else example.chosen
        called = {f"tool:{call.name}" for call in answer.tool_calls}
        known = topics.get(example.conversation, frozenset())
        topics[example.conversation] = known | called | set(example.preferences)
    return assign_splits(topics, store.snapshots.splits(), share=share)


def _snapshot(
    examples: Sequence[Example],
    splits: Mapping[str, Split],
    active: Sequence[ActivePreference],
    now: datetime,
) -> DatasetSnapshot:
    def part(split: Split) -> tuple[str, ...]:
        return tuple(example.id for example in examples if splits[example.conversation] is split)

    return with_id(
        DatasetSnapshot(
            id="",
            at=now,
            train=part(Split.TRAIN),
            held_out=part(Split.HELD_OUT),
            preferences=tuple(each.preference for each in active),
        )
    )


def _counts(examples: Sequence[Example], snapshot: DatasetSnapshot) -> dict[str, int]:
    kinds = Counter("demonstrations" if isinstance(each, Demonstration) else "pairs" for each in examples)
    return {
        "demonstrations": kinds["demonstrations"],
        "pairs": kinds["pairs"],
        "train": len(snapshot.train),
        "held_out": len(snapshot.held_out),
    }
