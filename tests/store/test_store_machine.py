"""The ledger and the splits against an oracle, through any sequence of calls, failures and reopenings."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from store_facts import IN_MEMORY, demonstration, later, preference, signal, snapshot

from store import Store
from store.errors import DuplicateActive, SplitMoved, UnknownId
from store.records import LedgerEvent, Preference, PreferenceStatus, Split

ACTIVE = PreferenceStatus.ACTIVE
SIGNALS = [signal(f"quote {number}") for number in range(4)]
CONVERSATIONS = [f"c-{number}" for number in range(4)]
EXAMPLES = {
    demonstration(f"{name} {number}", conversation=name).id: name
    for name in CONVERSATIONS
    for number in range(2)
}

statuses = st.sampled_from(PreferenceStatus)
moments = st.integers(0, 50).map(later)
evidence = st.lists(st.sampled_from([each.id for each in SIGNALS]), max_size=3).map(tuple)


class Abandoned(Exception):
    """A caller's own error, half-way through a transaction."""


@dataclass
class Entry:
    """What the oracle remembers of one preference."""

    recorded: Preference
    events: list[LedgerEvent]
    signals: dict[str, datetime] = field(default_factory=dict)

    @property
    def status(self) -> PreferenceStatus:
        return self.events[-1].status

    @property
    def subject(self) -> tuple[str, str]:
        return self.recorded.scope, self.recorded.attribute

    def expected(self) -> Preference:
        return replace(
            self.recorded,
            status=self.status,
            superseded_by=self.events[-1].by,
            signals=tuple(self.signals),
            last_seen=max([self.recorded.last_seen, *self.signals.values()]),
        )


class StoreMachine(RuleBasedStateMachine):
    entries = Bundle("entries")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        self.store = Store.open(self.folder / "store.db")
        self.ledger: dict[str, Entry] = {}
        self.splits: dict[str, Split] = {}
        with self.store.transaction():
            self.store.signals.add(SIGNALS)
            self.store.examples.add(
                demonstration(f"{name} {number}", conversation=name)
                for name in CONVERSATIONS
                for number in range(2)
            )

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert [] == self.store.verify()
            self.store.close()
            shutil.rmtree(self.folder)

    def rival(self, subject: tuple[str, str], besides: str) -> bool:
        return any(
            each.status is ACTIVE and each.subject == subject and name != besides
            for name, each in self.ledger.items()
        )

    @contextlib.contextmanager
    def perhaps_abandoned(self, abandoned: bool) -> Iterator[None]:
        """In a transaction of the caller's, which fails after the call or commits."""
        if not abandoned:
            yield
            return
        with contextlib.suppress(Abandoned), self.store.transaction():
            yield
            raise Abandoned

    @rule(
        target=entries,
        statement=st.sampled_from(["a", "b", "c"]),
        scope=st.sampled_from(["always", "tool:t"]),
        attribute=st.sampled_from(["length", "tone"]),
        status=statuses,
        signals=evidence,
        at=moments,
        abandoned=st.booleans(),
    )
    def record(
        self,
        statement: str,
        scope: str,
        attribute: str,
        status: PreferenceStatus,
        signals: tuple[str, ...],
        at: datetime,
        abandoned: bool,
    ) -> str:
        entry = preference(
            statement,
            scope=scope,
            attribute=attribute,
            status=status,
            signals=signals,
            first_seen=at,
            last_seen=at,
        )
        known = entry.id in self.ledger
        refused = not known and status is ACTIVE and self.rival((scope, attribute), entry.id)
        with self.perhaps_abandoned(abandoned):
            if refused:
                with pytest.raises(DuplicateActive):
                    self.store.ledger.record(entry, reason="seen")
            else:
                assert known is not self.store.ledger.record(entry, reason="seen")
        if not (known or refused or abandoned):
            first = LedgerEvent(preference=entry.id, at=at, status=status, reason="seen")
            self.ledger[entry.id] = Entry(entry, [first], dict.fromkeys(signals, at))
        return entry.id

    @rule(name=entries, by=st.none() | entries, status=statuses, at=moments, abandoned=st.booleans())
    def append(
        self, name: str, by: str | None, status: PreferenceStatus, at: datetime, abandoned: bool
    ) -> None:
        event = LedgerEvent(
            preference=name, at=at, status=status, reason="because", by=by if by in self.ledger else None
        )
        with self.perhaps_abandoned(abandoned):
            if name not in self.ledger:
                with pytest.raises(UnknownId):
                    self.store.ledger.append(event)
            elif status is ACTIVE and self.rival(self.ledger[name].subject, name):
                with pytest.raises(DuplicateActive):
                    self.store.ledger.append(event)
            else:
                self.store.ledger.append(event)
                if not abandoned:
                    self.ledger[name].events.append(event)

    @rule(name=entries, signals=evidence, at=moments, abandoned=st.booleans())
    def sight(self, name: str, signals: tuple[str, ...], at: datetime, abandoned: bool) -> None:
        with self.perhaps_abandoned(abandoned):
            if name not in self.ledger:
                with pytest.raises(UnknownId):
                    self.store.ledger.sight(name, signals, at)
                return
            new = {each: at for each in signals if each not in self.ledger[name].signals}
            assert len(new) == self.store.ledger.sight(name, signals, at)
            if not abandoned:
                self.ledger[name].signals |= new

    @rule(conversation=st.sampled_from(CONVERSATIONS), split=st.sampled_from(Split), abandoned=st.booleans())
    def assign(self, conversation: str, split: Split, abandoned: bool) -> None:
        with self.perhaps_abandoned(abandoned):
            if self.splits.get(conversation, split) is not split:
                with pytest.raises(SplitMoved):
                    self.store.snapshots.assign(conversation, split)
            else:
                self.store.snapshots.assign(conversation, split)
                if not abandoned:
                    self.splits[conversation] = split

    @rule(
        train=st.lists(st.sampled_from(list(EXAMPLES)), max_size=3).map(tuple),
        held_out=st.lists(st.sampled_from(list(EXAMPLES)), max_size=2).map(tuple),
        abandoned=st.booleans(),
    )
    def freeze(self, train: tuple[str, ...], held_out: tuple[str, ...], abandoned: bool) -> None:
        frozen = snapshot(train, held_out)
        wanted = [(EXAMPLES[each], Split.TRAIN) for each in train]
        wanted += [(EXAMPLES[each], Split.HELD_OUT) for each in held_out]
        bound = dict(self.splits)
        fits = all(bound.setdefault(name, split) is split for name, split in wanted)
        with self.perhaps_abandoned(abandoned):
            if fits:
                self.store.snapshots.freeze(frozen)
                assert frozen == self.store.snapshots.get(frozen.id)
                if not abandoned:
                    self.splits = bound
            else:
                with pytest.raises(SplitMoved):
                    self.store.snapshots.freeze(frozen)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.folder / "store.db", create=False)

    @invariant()
    def ledger_is_what_the_oracle_says(self) -> None:
        if hasattr(self, "store"):
            assert [each.expected() for each in self.ledger.values()] == self.store.ledger.all()
            for name, entry in self.ledger.items():
                assert entry.events == self.store.ledger.history(name)
            active = [each.subject for each in self.ledger.values() if each.status is ACTIVE]
            assert len(active) == len(set(active)) == len(self.store.ledger.active())

    @invariant()
    def splits_are_what_the_oracle_says(self) -> None:
        if hasattr(self, "store"):
            assert self.splits == self.store.snapshots.splits()


StoreMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestStoreMachine = StoreMachine.TestCase
