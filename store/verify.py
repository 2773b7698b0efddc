"""Re-derives what should be true of a store and lists what is not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from store.database import Database
from store.errors import StoreError
from store.feedback import read_feedback
from store.identity import derived_id, message_id, tools_id, turn_id
from store.json_forms import example_from_json
from store.messages import read_message
from store.signals import read_signal
from store.snapshots import Snapshots


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is not as it should be: which check found it, where, and what is wrong."""

    check: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.check}: {self.where}: {self.what}"


def verify(database: Database) -> list[Problem]:
    """Every check, of one state of the file. A part that cannot be read at all is a problem of its own."""
    problems: list[Problem] = []
    with database.reading():
        for check in _CHECKS:
            try:
                problems += check(database)
            except (StoreError, sqlite3.Error) as error:
                problems.append(
                    Problem(check=check.__name__.strip("_"), where=str(database.path), what=str(error))
                )
    return problems


def _integrity(database: Database) -> Iterator[Problem]:
    for row in database.rows("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield Problem(check="integrity", where=str(database.path), what=row[0])


def _references(database: Database) -> Iterator[Problem]:
    for row in database.rows("PRAGMA foreign_key_check"):
        yield Problem(
            check="references",
            where=f"{row['table']} row {row['rowid']}",
            what=f"names a {row['parent']} row that is missing",
        )


def _fits(check: str, row: sqlite3.Row, derive: Callable[[sqlite3.Row], str]) -> Iterator[Problem]:
    """A problem unless the row can be read and its content gives it its id."""
    try:
        derived = derive(row)
    except (StoreError, ValueError, TypeError, KeyError, AttributeError) as error:
        yield Problem(check=check, where=row["id"], what=f"cannot be read: {error}")
        return
    if derived != row["id"]:
        yield Problem(check=check, where=row["id"], what=f"its content gives it the name {derived}")


def _messages(database: Database) -> Iterator[Problem]:
    for row in database.rows("SELECT * FROM messages"):
        yield from _fits("messages", row, lambda row: message_id(row["parent"], read_message(row)))


def _tool_sets(database: Database) -> Iterator[Problem]:
    for row in database.rows("SELECT * FROM tool_sets"):
        yield from _fits("tool_sets", row, lambda row: tools_id(json.loads(row["tools"])))


def _interactions(database: Database) -> Iterator[Problem]:
    for row in database.rows("SELECT * FROM interactions"):
        yield from _fits(
            "interactions",
            row,
            lambda row: turn_id(
                conversation=row["conversation"],
                completion=row["completion"],
                tools=row["tools"],
                revision=row["revision"],
            ),
        )


def _feedback(database: Database) -> Iterator[Problem]:
    for row in database.rows("SELECT * FROM feedback"):
        yield from _fits("feedback", row, lambda row: derived_id(read_feedback(row)))


def _signals(database: Database) -> Iterator[Problem]:
    for row in database.rows("SELECT * FROM signals"):
        yield from _fits("signals", row, lambda row: derived_id(read_signal(row)))


def _examples(database: Database) -> Iterator[Problem]:
    for row in database.rows("SELECT * FROM examples"):
        yield from _fits(
            "examples", row, lambda row: derived_id(example_from_json(row["id"], json.loads(row["body"])))
        )


def _snapshots(database: Database) -> Iterator[Problem]:
    snapshots = Snapshots(database)
    for row in database.rows("SELECT id FROM snapshots"):
        yield from _fits("snapshots", row, lambda row: derived_id(snapshots.get(row["id"])))


def _rows_none(check: str, what: str, sql: str, database: Database) -> Iterator[Problem]:
    """Each row that the query finds is a problem; its first column says where."""
    for row in database.rows(sql):
        yield Problem(check=check, where=str(row[0]), what=what)


def _held_out(database: Database) -> Iterator[Problem]:
    return _rows_none(
        "held_out",
        "is held out and stands among the train examples of a snapshot",
        """
        SELECT DISTINCT examples.conversation FROM snapshot_examples
        JOIN examples ON examples.id = snapshot_examples.example
        JOIN splits ON splits.conversation = examples.conversation
        WHERE snapshot_examples.split = 'train' AND splits.split = 'held_out'
        """,
        database,
    )


_CHECKS: tuple[Callable[[Database], Iterator[Problem]], ...] = (
    _integrity,
    _references,
    _messages,
    _tool_sets,
    _interactions,
    _feedback,
    _signals,
    _examples,
    _snapshots,
    _held_out,
)
