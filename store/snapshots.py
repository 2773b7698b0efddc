"""Frozen sets of examples, and which conversations are held out.

Invariant: a conversation is train or held out, decided once; no snapshot trains on one that is held out.
"""

from __future__ import annotations

import json
import sqlite3

from store.database import Database
from store.errors import SplitMoved
from store.identity import check_id
from store.json_forms import dumps, instant, instant_text, preference_from_json, preference_json
from store.records import DatasetSnapshot, Split


class Snapshots:
    def __init__(self, database: Database) -> None:
        self._database = database

    def freeze(self, snapshot: DatasetSnapshot) -> bool:
        """False when the same set was frozen before.

        Binds the conversation of each example to the split in which the example stands. Raises SplitMoved
        when one was bound to the other, WrongId, and UnknownId for an example that was not added.
        """
        check_id(snapshot, "snapshot")
        with self._database.transaction():
            new = self._database.insert(
                "snapshots",
                {
                    "id": snapshot.id,
                    "at": instant_text(snapshot.at),
                    "preferences": dumps([preference_json(entry) for entry in snapshot.preferences]),
                },
            )
            if new:
                self._place(snapshot.id, Split.TRAIN, snapshot.train)
                self._place(snapshot.id, Split.HELD_OUT, snapshot.held_out)
            return new

    def _place(self, snapshot_id: str, split: Split, examples: tuple[str, ...]) -> None:
        self._database.require("examples", "example", *examples)
        for place, example in enumerate(examples):
            self._database.insert(
                "snapshot_examples",
                {"snapshot": snapshot_id, "split": split.value, "place": place, "example": example},
            )
        for row in self._database.rows(_CONVERSATIONS, (snapshot_id, split.value)):
            self.assign(row["conversation"], split)

    def get(self, snapshot_id: str) -> DatasetSnapshot:
        """Raises UnknownId."""
        with self._database.reading():
            (row,) = self._database.asked("snapshots", "snapshot", [snapshot_id])
            return self._read(row)

    def latest(self) -> DatasetSnapshot | None:
        """The one frozen last."""
        with self._database.reading():
            row = self._database.row("SELECT * FROM snapshots ORDER BY at DESC, seq DESC LIMIT 1")
            return None if row is None else self._read(row)

    def all(self) -> list[DatasetSnapshot]:
        """Oldest first."""
        with self._database.reading():
            return [
                self._read(row) for row in self._database.rows("SELECT * FROM snapshots ORDER BY at, seq")
            ]

    def _read(self, row: sqlite3.Row) -> DatasetSnapshot:
        placed = self._database.rows(
            "SELECT split, example FROM snapshot_examples WHERE snapshot = ? ORDER BY split, place",
            (row["id"],),
        )
        return DatasetSnapshot(
            id=row["id"],
            at=instant(row["at"]),
            train=tuple(each["example"] for each in placed if each["split"] == Split.TRAIN),
            held_out=tuple(each["example"] for each in placed if each["split"] == Split.HELD_OUT),
            preferences=tuple(preference_from_json(entry) for entry in json.loads(row["preferences"])),
        )

    def assign(self, conversation: str, split: Split) -> None:
        """Once and for all: the same again does nothing, the other raises SplitMoved."""
        with self._database.transaction():
            self._database.insert("splits", {"conversation": conversation, "split": split.value})
            kept = self.split_of(conversation)
            if kept is not split:
                raise SplitMoved(conversation, str(kept), split.value)

    def split_of(self, conversation: str) -> Split | None:
        split = self._database.value("SELECT split FROM splits WHERE conversation = ?", (conversation,))
        return None if split is None else Split(str(split))

    def splits(self) -> dict[str, Split]:
        """Every assigned conversation, ordered by its id."""
        rows = self._database.rows("SELECT conversation, split FROM splits ORDER BY conversation")
        return {row["conversation"]: Split(row["split"]) for row in rows}


_CONVERSATIONS = """
    SELECT DISTINCT examples.conversation FROM snapshot_examples
    JOIN examples ON examples.id = snapshot_examples.example
    WHERE snapshot = ? AND split = ? ORDER BY examples.conversation
"""
