"""Re-derives what should be true of a store and lists what is not.

Nothing is changed. Each check stands alone, so one that meets an unreadable part does not hide the others.
"""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from store.database import Database
from store.errors import StoreDamaged, StoreError
from store.feedback import read_feedback
from store.identity import derived_id, message_id, tools_id, turn_id
from store.json_forms import example_from_json, instant
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
    """Every check, of one state of the file; no problem means that it is intact. Other writers wait."""
    problems: list[Problem] = []
    with database.transaction():  # not for reading only: SQLite checks the full-text index by a command
        for name, check in _CHECKS.items():
            try:
                problems += [Problem(check=name, where=where, what=what) for where, what in check(database)]
            except (StoreError, sqlite3.Error) as error:
                problems.append(
                    Problem(check=name, where=str(database.path), what=f"cannot be read: {error}")
                )
    return problems


Finding = tuple[str, str]  # where, what
Check = Callable[[Database], Iterator[Finding]]


def _file(database: Database) -> Iterator[Finding]:
    for row in database.rows("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield str(database.path), row[0]


def _references(database: Database) -> Iterator[Finding]:
    for row in database.rows("PRAGMA foreign_key_check"):
        yield f"{row['table']} row {row['rowid']}", f"names a row of {row['parent']} that is missing"


def _schema(database: Database) -> Iterator[Finding]:
    """Compares with a new store: a lost trigger or index is as bad as a lost row."""
    from store.migrations import fresh_schema

    found = {
        row["name"]: row["sql"]
        for row in database.rows("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    }
    wanted = fresh_schema()
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield name, "is missing from the schema"
        elif name not in wanted:
            yield name, "does not belong to the schema"
        elif wanted[name] not in (None, found[name]):
            yield name, "differs from the schema"


def _index(database: Database) -> Iterator[Finding]:
    try:
        database.execute("INSERT INTO messages_fts(messages_fts, rank) VALUES ('integrity-check', 1)")
    except StoreDamaged:
        yield "messages_fts", "the full-text index does not fit the messages"


def _named(table: str, derive: Callable[[sqlite3.Row, Database], str]) -> Check:
    """Every row can be read, and its content gives it its id."""

    def check(database: Database) -> Iterator[Finding]:
        for row in database.rows(f"SELECT * FROM {table}"):
            try:
                derived = derive(row, database)
            except (StoreError, ValueError, TypeError, KeyError, AttributeError) as error:
                yield row["id"], f"cannot be read: {error}"
            else:
                if derived != row["id"]:
                    yield row["id"], f"its content gives it the name {derived}"

    return check


def _message(row: sqlite3.Row, _: Database) -> str:
    return message_id(row["parent"], read_message(row))


def _tool_set(row: sqlite3.Row, _: Database) -> str:
    return tools_id(json.loads(row["tools"]))


def _interaction(row: sqlite3.Row, _: Database) -> str:
    instant(row["at"])
    return turn_id(
        conversation=row["conversation"],
        completion=row["completion"],
        tools=row["tools"],
        revision=row["revision"],
    )


def _example(row: sqlite3.Row, _: Database) -> str:
    example = example_from_json(row["id"], json.loads(row["body"]))
    if example.conversation != row["conversation"]:
        raise ValueError(f"it is filed under conversation {row['conversation']!r}")
    return derived_id(example)


def _snapshot(row: sqlite3.Row, database: Database) -> str:
    return derived_id(Snapshots(database).get(row["id"]))


def _none(sql: str) -> Check:
    """Each row that the query finds is a finding: where, what."""

    def check(database: Database) -> Iterator[Finding]:
        for where, what in database.rows(sql):
            yield str(where), what

    return check


_WHOLE_CONVERSATIONS = """
    SELECT interactions.id, 'its completion is not among what was said in ' || interactions.conversation
    FROM interactions LEFT JOIN said
        ON said.message = interactions.completion AND said.conversation = interactions.conversation
    WHERE said.message IS NULL
    UNION ALL
    SELECT said.message, 'what was said before it in ' || said.conversation || ' is missing there'
    FROM said JOIN messages ON messages.id = said.message
    LEFT JOIN said AS before ON before.message = messages.parent AND before.conversation = said.conversation
    WHERE messages.parent IS NOT NULL AND before.message IS NULL
"""

_LEDGER = """
    WITH state AS (
        SELECT preferences.id, scope, attribute,
            (SELECT status FROM ledger_events
             WHERE preference = preferences.id ORDER BY seq DESC LIMIT 1) AS status
        FROM preferences
    )
    SELECT id, 'has no event, and so no status' FROM state WHERE status IS NULL
    UNION ALL
    SELECT min(id), 'is active beside ' || (count(*) - 1) || ' more about ' || scope || ', ' || attribute
    FROM state WHERE status = 'active' GROUP BY scope, attribute HAVING count(*) > 1
"""

_LINEAGE = """
    SELECT examples.id, 'names signal ' || named.value || ', which is missing'
    FROM examples, json_each(examples.body, '$.signals') AS named
    WHERE named.value NOT IN (SELECT id FROM signals)
    UNION ALL
    SELECT examples.id, 'names preference ' || named.value || ', which is missing'
    FROM examples, json_each(examples.body, '$.preferences') AS named
    WHERE named.value NOT IN (SELECT id FROM preferences)
    UNION ALL
    SELECT run, 'names snapshot ' || snapshot || ', which is missing and was not forgotten'
    FROM run_ends
    WHERE snapshot IS NOT NULL  -- NULL NOT IN an empty set is true
    AND snapshot NOT IN (SELECT id FROM snapshots UNION SELECT id FROM forgotten_snapshots)
"""

_HELD_OUT = """
    SELECT DISTINCT placed.snapshot, CASE placed.split
        WHEN 'train' THEN 'trains on conversation ' ELSE 'holds out conversation ' END
        || examples.conversation || ', which is bound to ' || coalesce(splits.split, 'no split')
    FROM snapshot_examples AS placed
    JOIN examples ON examples.id = placed.example
    LEFT JOIN splits ON splits.conversation = examples.conversation
    WHERE splits.split IS NOT placed.split
"""

_RUNS = """
    SELECT id, 'has no end, and a later run was started' FROM runs
    WHERE id NOT IN (SELECT run FROM run_ends)
        AND seq < (SELECT max(seq) FROM runs)
"""

_CHECKS: dict[str, Check] = {
    "file": _file,
    "schema": _schema,
    "references": _references,
    "messages": _named("messages", _message),
    "tools": _named("tool_sets", _tool_set),
    "interactions": _named("interactions", _interaction),
    "conversations": _none(_WHOLE_CONVERSATIONS),
    "search": _index,
    "feedback": _named("feedback", lambda row, _: derived_id(read_feedback(row))),
    "signals": _named("signals", lambda row, _: derived_id(read_signal(row))),
    "ledger": _none(_LEDGER),
    "examples": _named("examples", _example),
    "lineage": _none(_LINEAGE),
    "snapshots": _named("snapshots", _snapshot),
    "held-out": _none(_HELD_OUT),
    "runs": _none(_RUNS),
}
