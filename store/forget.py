"""Forgetting: the deletion of what was said, and of everything that was made of it.

Invariant: after it no row and no page of the file holds the forgotten text, and the ledger stands as if the
forgotten had never been there. The names of snapshots and runs stay, to say which revisions must go.
"""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from store.database import Database
from store.errors import UnknownId
from store.json_forms import dumps, instant_text
from store.ledger import ENTRIES, Ledger
from store.mark import count_forgetting

_IN = "IN (SELECT value FROM json_each(?))"
_STATED = "stated%"  # the detectors whose signals are the user's own statements, in chat or not


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """What was deleted. `revisions` were built from what is gone: retire them and build again."""

    interactions: int
    messages: int
    feedback: int
    signals: int
    preferences: int
    examples: int
    snapshots: tuple[str, ...]
    revisions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Falling:
    """The ids of all that goes. `revisions` were built from it, and do not go by themselves."""

    conversations: list[str]
    interactions: list[str]
    feedback: list[str]
    signals: list[str]
    preferences: list[str]
    examples: list[str]
    snapshots: list[str]
    revisions: list[str]


def forget(
    database: Database,
    *,
    at: datetime,
    conversations: Iterable[str] = (),
    interactions: Iterable[str] = (),
    preferences: Iterable[str] = (),
) -> Forgotten:
    """Delete whole conversations, single interactions, and entries of the ledger.

    With an interaction go those that continue it, since their prompts hold its text, and every example of its
    conversation. With evidence goes a stated entry that no statement is left of, whatever else supports it,
    and an inferred one altogether: what is left may show less than it says, and the next distilling finds
    again what it does show. An inferred entry that the user retired or pinned stays while any evidence does.
    With an entry go the statements that it rests on; what it was mined from stays, and may be mined again:
    retire an entry to keep it away.
    Reports of runs on a snapshot that goes are emptied, since they may quote it. Raises UnknownId.
    """
    with database.transaction():
        count_forgetting(database)
        falling = _find(database, list(conversations), list(interactions), list(preferences))
        forgotten = _delete(database, falling, at)
    database.shed_traces()
    return forgotten


def foresee(
    database: Database,
    *,
    conversations: Iterable[str] = (),
    interactions: Iterable[str] = (),
    preferences: Iterable[str] = (),
) -> Falling:
    """What `forget` would delete; nothing changes. Raises UnknownId."""
    with database.transaction():
        return _find(database, list(conversations), list(interactions), list(preferences))


def _ids(database: Database, sql: str, *lists: list[str]) -> list[str]:
    return [row[0] for row in database.rows(sql, [dumps(each) for each in lists])]


def _find(
    database: Database, conversations: list[str], interactions: list[str], preferences: list[str]
) -> Falling:
    database.require("interactions", "interaction", *interactions)
    database.require("preferences", "preference", *preferences)
    for conversation in conversations:
        if not database.rows(_KNOWN_CONVERSATION, (conversation, conversation)):
            raise UnknownId("conversation", conversation)
    interactions = _ids(database, _CONTINUED, interactions, conversations)
    touched = conversations + _ids(
        database, f"SELECT DISTINCT conversation FROM interactions WHERE id {_IN}", interactions
    )
    feedback = _ids(database, _FEEDBACK, interactions, conversations, preferences)
    signals = _ids(
        database,
        f"SELECT id FROM signals WHERE interaction {_IN} OR feedback {_IN} OR conversation {_IN}",
        interactions,
        feedback,
        conversations,
    )
    preferences = _ids(database, _UNSUPPORTED, signals, preferences, signals)
    examples = _ids(database, _EXAMPLES, touched, signals, preferences)
    snapshots = _ids(database, _SNAPSHOTS, examples, preferences)
    return Falling(
        conversations=conversations,
        interactions=interactions,
        feedback=feedback,
        signals=signals,
        preferences=preferences,
        examples=examples,
        snapshots=snapshots,
        revisions=_ids(database, _REVISIONS, snapshots),
    )


def _delete(database: Database, falling: Falling, at: datetime) -> Forgotten:
    """What refers goes before what it refers to."""

    def drop(table: str, column: str, ids: list[str]) -> int:
        return database.execute(f"DELETE FROM {table} WHERE {column} {_IN}", (dumps(ids),)).rowcount

    database.execute(f"UPDATE run_ends SET report = NULL WHERE snapshot {_IN}", (dumps(falling.snapshots),))
    for snapshot in falling.snapshots:
        database.insert("forgotten_snapshots", {"id": snapshot, "at": instant_text(at)})
    drop("snapshot_examples", "snapshot", falling.snapshots)
    drop("snapshots", "id", falling.snapshots)
    drop("examples", "id", falling.examples)
    drop("evidence", "signal", falling.signals)
    Ledger(database).remove(falling.preferences, at)
    drop("signals", "id", falling.signals)
    drop("feedback", "id", falling.feedback)
    ends = database.rows(
        f"SELECT conversation, completion FROM interactions WHERE id {_IN}", (dumps(falling.interactions),)
    )
    drop("interactions", "id", falling.interactions)
    drop("said", "conversation", falling.conversations)
    drop("splits", "conversation", falling.conversations)
    for end in ends:
        _unsay(database, end["conversation"], end["completion"])
    messages = database.execute("DELETE FROM messages WHERE id NOT IN (SELECT message FROM said)").rowcount
    database.execute(
        "DELETE FROM tool_sets WHERE id NOT IN (SELECT tools FROM interactions WHERE tools IS NOT NULL)"
    )
    # A deletion leaves the words in the index until segments merge; a rebuilt one never held them.
    database.execute("INSERT INTO messages_fts(messages_fts) VALUES ('rebuild')")
    return Forgotten(
        interactions=len(falling.interactions),
        messages=messages,
        feedback=len(falling.feedback),
        signals=len(falling.signals),
        preferences=len(falling.preferences),
        examples=len(falling.examples),
        snapshots=tuple(falling.snapshots),
        revisions=tuple(falling.revisions),
    )


def _unsay(database: Database, conversation: str, completion: str) -> None:
    """Take a completion out of its conversation, with what follows it and the prompt that only it had."""
    database.execute(_UNSAY_BELOW, (conversation, completion, conversation))
    above = database.value("SELECT parent FROM messages WHERE id = ?", (completion,))
    while above is not None and not database.rows(_STILL_NEEDED, (above, conversation, above, conversation)):
        database.execute("DELETE FROM said WHERE conversation = ? AND message = ?", (conversation, above))
        above = database.value("SELECT parent FROM messages WHERE id = ?", (above,))


_KNOWN_CONVERSATION = """
    SELECT 1 FROM said WHERE conversation = ? UNION ALL SELECT 1 FROM feedback WHERE conversation = ? LIMIT 1
"""

_CONTINUED = f"""
    WITH RECURSIVE below(conversation, message) AS (
        SELECT conversation, completion FROM interactions WHERE id {_IN} OR conversation {_IN}
        UNION
        SELECT below.conversation, messages.id FROM below
        JOIN messages ON messages.parent = below.message
        JOIN said ON said.message = messages.id AND said.conversation = below.conversation
    )
    SELECT interactions.id FROM interactions
    JOIN below ON below.message = interactions.completion AND below.conversation = interactions.conversation
"""

_FEEDBACK = f"""
    SELECT id FROM feedback WHERE interaction {_IN} OR conversation {_IN}
    UNION
    SELECT feedback.id FROM evidence
    JOIN signals ON signals.id = evidence.signal
    JOIN feedback ON feedback.id = signals.feedback
    WHERE feedback.kind = 'preference' AND evidence.preference {_IN}
"""

_UNSUPPORTED = f"""
    WITH kept AS (
        SELECT evidence.preference, signals.detector FROM evidence
        JOIN signals ON signals.id = evidence.signal
        WHERE signals.id NOT {_IN}
    )
    SELECT id FROM ({ENTRIES}) AS entry WHERE id {_IN} OR (
        id IN (SELECT preference FROM evidence WHERE signal {_IN})
        AND CASE
            WHEN entry.source = 'stated'
            THEN id NOT IN (SELECT preference FROM kept WHERE detector LIKE '{_STATED}')
            WHEN entry.status = 'retired' OR coalesce(entry.pinned, 0)
            THEN id NOT IN (SELECT preference FROM kept)
            ELSE 1
        END)
"""

_EXAMPLES = f"""
    SELECT id FROM examples WHERE conversation {_IN}
        OR EXISTS (SELECT 1 FROM json_each(body, '$.signals') AS named WHERE named.value {_IN})
        OR EXISTS (SELECT 1 FROM json_each(body, '$.preferences') AS named WHERE named.value {_IN})
"""

_SNAPSHOTS = f"""
    SELECT snapshot FROM snapshot_examples WHERE example {_IN}
    UNION
    SELECT snapshots.id FROM snapshots, json_each(snapshots.preferences) AS entry
    WHERE json_extract(entry.value, '$.id') {_IN}
"""

_REVISIONS = f"""
    SELECT DISTINCT revision FROM run_ends WHERE revision IS NOT NULL AND snapshot {_IN} ORDER BY revision
"""

_UNSAY_BELOW = """
    WITH RECURSIVE below(conversation, message) AS (
        VALUES (?, ?)
        UNION
        SELECT below.conversation, messages.id FROM below
        JOIN messages ON messages.parent = below.message
        JOIN said ON said.message = messages.id AND said.conversation = below.conversation
    )
    DELETE FROM said WHERE conversation = ? AND message IN (SELECT message FROM below)
"""

_STILL_NEEDED = """
    SELECT 1 FROM messages JOIN said ON said.message = messages.id
    WHERE messages.parent = ? AND said.conversation = ?
    UNION ALL
    SELECT 1 FROM interactions WHERE completion = ? AND conversation = ? LIMIT 1
"""
