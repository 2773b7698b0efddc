"""The ledger of preferences: entries and events that are only ever added.

Invariants: an entry's status is its last event; two active entries never share (scope, attribute).
"""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from store.database import Database
from store.errors import DuplicateActive, UnknownId, Unstorable
from store.json_forms import dumps, instant, instant_text
from store.records import LedgerEvent, Preference, PreferenceStatus

_SCOPE = re.compile(r"always|kind:[a-z][a-z_]*|tool:.+", re.DOTALL)


class Ledger:
    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, preference: Preference, *, reason: str) -> bool:
        """The entry with its first event (at `first_seen`, with the status given) and its evidence.

        False when the entry was there: then nothing changes. Raises DuplicateActive, and UnknownId for its
        signals and its successor, Unstorable for a scope that is none.
        """
        if not _SCOPE.fullmatch(preference.scope):
            wrong = f"its scope is {preference.scope!r}, not always, kind:KIND or tool:NAME"
            raise Unstorable(f"preference {preference.id!r}", wrong)
        with self._database.transaction():
            new = self._database.insert(
                "preferences",
                {
                    "id": preference.id,
                    "statement": preference.statement,
                    "scope": preference.scope,
                    "attribute": preference.attribute,
                    "source": preference.source,
                    "first_seen": instant_text(preference.first_seen),
                    "last_seen": instant_text(preference.last_seen),
                    "checker": None if preference.checker is None else dumps(preference.checker),
                },
            )
            if new:
                self.append(
                    LedgerEvent(
                        preference=preference.id,
                        at=preference.first_seen,
                        status=preference.status,
                        reason=reason,
                        by=preference.superseded_by,
                    )
                )
                self.sight(preference.id, preference.signals, preference.last_seen)
            return new

    def append(self, event: LedgerEvent) -> None:
        """Raises UnknownId and DuplicateActive.

        `by` may name an entry that is recorded later in the same transaction: so the old one steps back
        before the new one becomes active.
        """
        with self._database.transaction():
            self._database.require("preferences", "preference", event.preference)
            if event.status is PreferenceStatus.ACTIVE:
                self._check_alone(event.preference)
            self._database.insert(
                "ledger_events",
                {
                    "preference": event.preference,
                    "at": instant_text(event.at),
                    "status": event.status.value,
                    "reason": event.reason,
                    "successor": event.by,
                    "pinned": event.pinned,
                },
            )

    def _check_alone(self, preference_id: str) -> None:
        rival = self._database.row(_RIVAL, (PreferenceStatus.ACTIVE.value, preference_id))
        if rival is not None:
            raise DuplicateActive(rival["scope"], rival["attribute"], rival["id"], preference_id)

    def sight(self, preference_id: str, signals: Iterable[str], at: datetime) -> int:
        """Add evidence seen at `at`; the number of signals that were new to the entry. Raises UnknownId."""
        named = list(signals)
        with self._database.transaction():
            self._database.require("preferences", "preference", preference_id)
            self._database.require("signals", "signal", *named)
            return sum(
                [
                    self._database.insert(
                        "evidence", {"preference": preference_id, "signal": signal, "at": instant_text(at)}
                    )
                    for signal in named
                ]
            )

    def remove(self, preferences: Sequence[str], at: datetime) -> None:
        """Delete entries, their events and evidence, as forgetting needs it.

        What they had superseded is active again, unless another entry is active in its place: then that one
        becomes its successor.
        """
        gone = dumps(list(preferences))
        with self._database.transaction():
            orphans = [row["id"] for row in self._database.rows(_SUPERSEDED_BY, (gone, gone))]
            self._database.execute(_FORGET_SUCCESSOR, (gone,))
            for table, column in (
                ("evidence", "preference"),
                ("ledger_events", "preference"),
                ("preferences", "id"),
            ):
                sql = f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))"
                self._database.execute(sql, (gone,))
            for orphan in orphans:
                rival = self._database.row(_RIVAL, (PreferenceStatus.ACTIVE.value, orphan))
                self.append(
                    LedgerEvent(
                        preference=orphan,
                        at=at,
                        status=PreferenceStatus.SUPERSEDED if rival else PreferenceStatus.ACTIVE,
                        reason="what had superseded it was forgotten",
                        by=rival["id"] if rival else None,
                    )
                )

    def all(self) -> list[Preference]:
        """In the order in which they were recorded."""
        return self._read(self._database.rows(f"{ENTRIES} ORDER BY preferences.seq"))

    def active(self) -> list[Preference]:
        """In the order in which they were recorded."""
        return [entry for entry in self.all() if entry.status is PreferenceStatus.ACTIVE]

    def get(self, preference_id: str) -> Preference:
        """Raises UnknownId."""
        for entry in self._read(self._database.rows(f"{ENTRIES} WHERE preferences.id = ?", (preference_id,))):
            return entry
        raise UnknownId("preference", preference_id)

    def history(self, preference_id: str) -> list[LedgerEvent]:
        """Oldest first. Raises UnknownId."""
        rows = self._database.rows(
            "SELECT * FROM ledger_events WHERE preference = ? ORDER BY seq", (preference_id,)
        )
        if not rows:
            raise UnknownId("preference", preference_id)
        return [
            LedgerEvent(
                preference=preference_id,
                at=instant(row["at"]),
                status=PreferenceStatus(row["status"]),
                reason=row["reason"],
                by=row["successor"],
                pinned=None if row["pinned"] is None else bool(row["pinned"]),
            )
            for row in rows
        ]

    @staticmethod
    def _read(rows: list[sqlite3.Row]) -> list[Preference]:
        return [
            Preference(
                id=row["id"],
                statement=row["statement"],
                scope=row["scope"],
                attribute=row["attribute"],
                source=row["source"],
                first_seen=instant(row["first_seen"]),
                last_seen=instant(max(row["last_seen"], row["last_evidence"])),
                status=PreferenceStatus(row["status"]),
                checker=None if row["checker"] is None else json.loads(row["checker"]),
                signals=tuple(json.loads(row["signals"])),
                superseded_by=row["successor"],
                pinned=bool(row["pinned"]),
            )
            for row in rows
        ]


# Every entry with what follows from its events and its evidence.
ENTRIES = """
    SELECT preferences.*, last.status, last.successor,
        (SELECT pinned FROM ledger_events WHERE preference = preferences.id AND pinned IS NOT NULL
            ORDER BY seq DESC LIMIT 1) AS pinned,
        (SELECT coalesce(max(at), '') FROM evidence WHERE preference = preferences.id) AS last_evidence,
        (SELECT json_group_array(signal) FROM
            (SELECT signal FROM evidence WHERE preference = preferences.id ORDER BY seq)) AS signals
    FROM preferences
    JOIN ledger_events AS last ON last.seq = (
        SELECT max(seq) FROM ledger_events WHERE preference = preferences.id)
"""

# The latest first: of several that one entry had superseded, the latest takes its place.
_SUPERSEDED_BY = f"""
    SELECT id FROM ({ENTRIES}) WHERE status = 'superseded'
        AND successor IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY seq DESC
"""

_FORGET_SUCCESSOR = """
    UPDATE ledger_events SET successor = NULL WHERE successor IN (SELECT value FROM json_each(?))
"""

_RIVAL = """
    SELECT rival.id, rival.scope, rival.attribute
    FROM preferences AS asked
    JOIN preferences AS rival USING (scope, attribute)
    JOIN ledger_events AS last ON last.seq = (SELECT max(seq) FROM ledger_events WHERE preference = rival.id)
    WHERE last.status = ? AND rival.id <> asked.id AND asked.id = ?
"""
