"""The schema, as named steps that only ever grow in number: a released step is never edited.

sqlite-utils records each applied step in the file. All pending steps run in one transaction, so an upgrade
that is cut off leaves the old schema.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from store.light_import import sqlite_utils

APPLICATION_ID = 0x70727331  # "prs1" in the file's header: this file is a store

Tables = sqlite_utils.Database


def _keep_unchanged(tables: Tables, *names: str, but: str | None = None) -> None:
    """Let SQLite itself refuse to change a row: facts are added and forgotten, never rewritten.

    `but` names the one column that forgetting may empty.
    """
    for name in names:
        columns = ", ".join(column.name for column in tables.table(name).columns if column.name != but)
        tables.executescript(
            f"CREATE TRIGGER {name}_unchanged BEFORE UPDATE OF {columns} ON {name}"
            f" BEGIN SELECT RAISE(ABORT, '{name} are never changed'); END;"
        )


def conversations(tables: Tables) -> None:
    """Messages form trees: each names the one before it, so branches share their stem."""
    tables.executescript(f"""
        PRAGMA application_id = {APPLICATION_ID};

        CREATE TABLE messages (
            seq INTEGER PRIMARY KEY,  -- the full-text index refers to it; VACUUM renumbers a bare rowid
            id TEXT NOT NULL UNIQUE,
            parent TEXT REFERENCES messages(id),
            role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
            origin TEXT NOT NULL CHECK (origin IN ('user', 'model', 'tool', 'client')),
            content TEXT NOT NULL,
            tool_calls TEXT NOT NULL,
            tool_call_id TEXT
        ) STRICT;
        CREATE INDEX messages_by_parent ON messages(parent);

        CREATE TABLE tool_sets (id TEXT PRIMARY KEY NOT NULL, tools TEXT NOT NULL) STRICT;

        CREATE TABLE interactions (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation TEXT NOT NULL,
            at TEXT NOT NULL,
            source TEXT NOT NULL,
            completion TEXT NOT NULL REFERENCES messages(id),
            tools TEXT REFERENCES tool_sets(id),
            revision TEXT
        ) STRICT;
        CREATE INDEX interactions_by_time ON interactions(at, id);
        CREATE INDEX interactions_by_conversation ON interactions(conversation);
        CREATE INDEX interactions_by_completion ON interactions(completion);
        CREATE INDEX interactions_by_tools ON interactions(tools);

        -- Which messages were said in which conversation: two may open with the same words.
        CREATE TABLE said (
            conversation TEXT NOT NULL,
            message TEXT NOT NULL REFERENCES messages(id),
            PRIMARY KEY (conversation, message)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX said_by_message ON said(message);
    """)
    _keep_unchanged(tables, "messages", "tool_sets", "interactions", "said")


def feedback(tables: Tables) -> None:
    tables.executescript("""
        CREATE TABLE feedback (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('up', 'down', 'edit', 'pick', 'correction', 'preference')),
            at TEXT NOT NULL,
            interaction TEXT REFERENCES interactions(id),
            conversation TEXT,
            reason TEXT NOT NULL,
            content TEXT NOT NULL,
            tool_calls TEXT NOT NULL,
            over TEXT NOT NULL,
            CHECK (kind = 'preference' OR interaction IS NOT NULL)
        ) STRICT;
        CREATE INDEX feedback_by_time ON feedback(at, id);
        CREATE INDEX feedback_by_interaction ON feedback(interaction);
        CREATE INDEX feedback_by_conversation ON feedback(conversation);
    """)
    _keep_unchanged(tables, "feedback")


def signals(tables: Tables) -> None:
    tables.executescript("""
        CREATE TABLE signals (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            detector TEXT NOT NULL,
            at TEXT NOT NULL,
            polarity INTEGER NOT NULL CHECK (polarity IN (-1, 0, 1)),
            confidence REAL NOT NULL CHECK (confidence > 0 AND confidence <= 1),
            quote TEXT NOT NULL,
            interaction TEXT REFERENCES interactions(id),
            conversation TEXT,
            feedback TEXT REFERENCES feedback(id)
        ) STRICT;
        CREATE INDEX signals_by_time ON signals(at, id);
        CREATE INDEX signals_by_interaction ON signals(interaction);
        CREATE INDEX signals_by_conversation ON signals(conversation);
        CREATE INDEX signals_by_feedback ON signals(feedback);
    """)
    _keep_unchanged(tables, "signals")


def ledger(tables: Tables) -> None:
    """A preference's status is its last event. An event may name its successor before that one is recorded,
    within one transaction, hence the deferred reference."""
    tables.executescript("""
        CREATE TABLE preferences (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            statement TEXT NOT NULL,
            scope TEXT NOT NULL,
            attribute TEXT NOT NULL,
            source TEXT NOT NULL CHECK (source IN ('stated', 'inferred')),
            first_seen TEXT NOT NULL,
            last_seen TEXT NOT NULL,
            checker TEXT
        ) STRICT;
        CREATE INDEX preferences_by_subject ON preferences(scope, attribute);

        CREATE TABLE ledger_events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            preference TEXT NOT NULL REFERENCES preferences(id),
            at TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('active', 'superseded', 'contested', 'retired')),
            reason TEXT NOT NULL,
            successor TEXT REFERENCES preferences(id) DEFERRABLE INITIALLY DEFERRED
        ) STRICT;
        CREATE INDEX ledger_events_by_preference ON ledger_events(preference, seq);
        CREATE INDEX ledger_events_by_successor ON ledger_events(successor);

        CREATE TABLE evidence (
            seq INTEGER PRIMARY KEY,
            preference TEXT NOT NULL REFERENCES preferences(id),
            signal TEXT NOT NULL REFERENCES signals(id),
            at TEXT NOT NULL,
            UNIQUE (preference, signal)
        ) STRICT;
        CREATE INDEX evidence_by_signal ON evidence(signal);
    """)
    _keep_unchanged(tables, "preferences", "evidence")
    _keep_unchanged(tables, "ledger_events", but="successor")


def examples(tables: Tables) -> None:
    """A split is decided once per conversation. A snapshot's examples keep their place, since order is part
    of what is trained."""
    tables.executescript("""
        CREATE TABLE examples (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation TEXT NOT NULL,
            body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX examples_by_conversation ON examples(conversation);

        CREATE TABLE splits (
            conversation TEXT PRIMARY KEY NOT NULL,
            split TEXT NOT NULL CHECK (split IN ('train', 'held_out'))
        ) STRICT;

        CREATE TABLE snapshots (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at TEXT NOT NULL,
            preferences TEXT NOT NULL
        ) STRICT;

        CREATE TABLE snapshot_examples (
            snapshot TEXT NOT NULL REFERENCES snapshots(id),
            split TEXT NOT NULL CHECK (split IN ('train', 'held_out')),
            place INTEGER NOT NULL,
            example TEXT NOT NULL REFERENCES examples(id),
            PRIMARY KEY (snapshot, split, place)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX snapshot_examples_by_example ON snapshot_examples(example);
    """)
    _keep_unchanged(tables, "examples", "splits", "snapshots", "snapshot_examples")


def runs(tables: Tables) -> None:
    """The end of a run is a row of its own, so that it can be written once and never changed."""
    tables.executescript("""
        CREATE TABLE runs (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            started_at TEXT NOT NULL
        ) STRICT;

        CREATE TABLE run_ends (
            run TEXT PRIMARY KEY NOT NULL REFERENCES runs(id),
            state TEXT NOT NULL
                CHECK (state IN ('promoted', 'rejected', 'nothing_to_learn', 'failed', 'interrupted')),
            ended_at TEXT NOT NULL,
            snapshot TEXT,
            revision TEXT,
            reasons TEXT NOT NULL,
            report TEXT,
            costs TEXT NOT NULL
        ) STRICT;
        CREATE INDEX run_ends_by_revision ON run_ends(revision);
        CREATE INDEX run_ends_by_snapshot ON run_ends(snapshot);

        -- A run may name a snapshot that was forgotten since.
        CREATE TABLE forgotten_snapshots (id TEXT PRIMARY KEY NOT NULL, at TEXT NOT NULL) STRICT;
    """)
    _keep_unchanged(tables, "runs")
    _keep_unchanged(tables, "run_ends", but="report")


def search(tables: Tables) -> None:
    """Words are matched whole, whatever their case and accents."""
    tables.table("messages").enable_fts(
        ["content"], create_triggers=True, tokenize="unicode61 remove_diacritics 2"
    )


def pins(tables: Tables) -> None:
    """An event may pin an entry (1), unpin it (0), or leave that as it is (NULL)."""
    tables.execute("ALTER TABLE ledger_events ADD COLUMN pinned INTEGER CHECK (pinned IN (0, 1))")


_STEPS: tuple[Callable[[Tables], None], ...] = (
    conversations,
    feedback,
    signals,
    ledger,
    examples,
    runs,
    search,
    pins,
)
NAMES = tuple(step.__name__ for step in _STEPS)

migrations = sqlite_utils.migrations.Migrations("store")
for _step in _STEPS:
    migrations()(_step)


# Made by sqlite-utils and by SQLite in words of their own, which may change with their versions.
_IN_OTHER_WORDS = ("messages_fts", "messages_a", "_sqlite_migrations", "idx__sqlite_migrations")


@cache
def fresh_schema() -> dict[str, str | None]:
    """The SQL of everything that all steps make, by name; None for what others word."""
    tables = sqlite_utils.Database(memory=True, execute_plugins=False)
    try:
        migrations.apply(tables)
        made = tables.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
    finally:
        tables.close()
    return {name: None if name.startswith(_IN_OTHER_WORDS) else sql for name, sql in made}
