"""The ledger while it is revised: entries in memory, and the steps that take the stored ones there.

Invariant: never two active entries with the same key (scope, attribute).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from store import Store
from store.records import LedgerEvent, Preference, PreferenceStatus, Signal

Key = tuple[str, str]
ChangeKind = Literal["added", "superseded", "reinforced", "revived", "contested", "kept_back"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing that happened to an entry of the ledger, and why."""

    kind: ChangeKind
    preference: str
    statement: str
    reason: str
    by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recorded:
    preference: Preference
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sighted:
    preference: str
    signals: tuple[str, ...]
    at: datetime


Step = _Recorded | _Sighted | LedgerEvent


def key_of(entry: Preference) -> Key:
    return entry.scope, entry.attribute


class Entries:
    """Knows every entry, changes none in the store: `apply` writes the steps taken."""

    def __init__(self, entries: Iterable[Preference]) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self.changes: list[Change] = []
        self.steps: list[Step] = []

    def all(self) -> list[Preference]:
        return list(self._entries.values())

    def of(self, key: Key) -> list[Preference]:
        return [entry for entry in self._entries.values() if key_of(entry) == key]

    def active(self, key: Key) -> Preference | None:
        return next((entry for entry in self.of(key) if entry.status is PreferenceStatus.ACTIVE), None)

    def record(self, entry: Preference, reason: str) -> None:
        self._entries[entry.id] = entry
        self.steps.append(_Recorded(preference=entry, reason=reason))
        kinds: dict[PreferenceStatus, ChangeKind] = {
            PreferenceStatus.ACTIVE: "added",
            PreferenceStatus.CONTESTED: "contested",
        }
        kind = kinds.get(entry.status, "kept_back")
        self._note(kind, entry, reason, entry.superseded_by)

    def sight(self, entry: Preference, signals: Iterable[Signal], reason: str) -> None:
        """Add the evidence that is new to the entry; nothing happens when none is."""
        new = [signal for signal in signals if signal.id not in entry.signals]
        if new:
            self.sight_ids(entry, [signal.id for signal in new], max(signal.at for signal in new), reason)

    def sight_ids(self, entry: Preference, signals: Iterable[str], at: datetime, reason: str) -> None:
        """`sight` where only the ids of the signals are known, and the time of the latest."""
        ids = tuple(dict.fromkeys(signal for signal in signals if signal not in entry.signals))
        if not ids:
            return
        self._entries[entry.id] = replace(
            entry, signals=entry.signals + ids, last_seen=max(entry.last_seen, at)
        )
        self.steps.append(_Sighted(preference=entry.id, signals=ids, at=at))
        self._note("reinforced", entry, f"{reason} ({len(ids)})")

    def step_back(self, entry: Preference, *, by: str, at: datetime, reason: str) -> None:
        self._entries[entry.id] = replace(entry, status=PreferenceStatus.SUPERSEDED, superseded_by=by)
        self.steps.append(
            LedgerEvent(preference=entry.id, at=at, status=PreferenceStatus.SUPERSEDED, reason=reason, by=by)
        )
        self._note("superseded", entry, reason, by)

    def contest(self, entry: Preference, *, at: datetime, reason: str) -> None:
        """What is contested is asked about, not learnt."""
        entry = self._entries[entry.id]
        self._entries[entry.id] = replace(entry, status=PreferenceStatus.CONTESTED, superseded_by=None)
        self.steps.append(
            LedgerEvent(preference=entry.id, at=at, status=PreferenceStatus.CONTESTED, reason=reason)
        )
        self._note("contested", entry, reason)

    def revive(self, entry: Preference, *, at: datetime, reason: str) -> None:
        entry = self._entries[entry.id]
        self._entries[entry.id] = replace(entry, status=PreferenceStatus.ACTIVE, superseded_by=None)
        self.steps.append(
            LedgerEvent(preference=entry.id, at=at, status=PreferenceStatus.ACTIVE, reason=reason)
        )
        self._note("revived", entry, reason)

    def _note(self, kind: ChangeKind, entry: Preference, reason: str, by: str | None = None) -> None:
        self.changes.append(
            Change(kind=kind, preference=entry.id, statement=entry.statement, reason=reason, by=by)
        )

    def apply(self, store: Store) -> None:
        """Write the steps, in order. Once to a store whose entries these are, inside a transaction."""
        for step in self.steps:
            match step:
                case _Recorded():
                    store.ledger.record(step.preference, reason=step.reason)
                case _Sighted():
                    store.ledger.sight(step.preference, step.signals, step.at)
                case LedgerEvent():
                    store.ledger.append(step)
