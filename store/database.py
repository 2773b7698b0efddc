"""One connection to one SQLite file: how it is opened, its transactions, and its errors in our words.

Invariants: every connection syncs fully and checks foreign keys; whatever writes took the write lock first;
the file and all that SQLite lays beside it are readable by their owner alone.
"""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import (
    DanglingReference,
    NotAStore,
    SchemaTooNew,
    SqliteTooOld,
    StoreBusy,
    StoreClosed,
    StoreDamaged,
    StoreFull,
    StoreUnusable,
    UnknownId,
    Unstorable,
)
from store.private_file import close_to_others, prepare

if TYPE_CHECKING:
    import sqlite_utils

SqlValue = str | int | float | bytes | None

OLDEST_SQLITE = (3, 38, 0)  # STRICT tables, JSON functions
BUSY_SECONDS = 10.0

_SCRATCH_PRAGMAS = {"foreign_keys": 1, "temp_store": 2}


def journal_mode(version: tuple[int, ...]) -> str:
    """WAL where SQLite is free of the WAL-reset defect, the rollback journal where it is not.

    The defect (sqlite.org/wal.html#walresetbug) can corrupt a file when two connections write and checkpoint
    at once. It is mended in 3.51.3, and in 3.50.7 and 3.44.6 of the older lines.
    """
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "wal" if mended else "delete"


class _Undone(Exception):
    """Ends a block of which nothing is to stay."""


class Database:
    """Not thread-safe: one per thread. `tables` is the same connection as sqlite-utils sees it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, tables: sqlite_utils.Database) -> None:
        self.path = path
        self.tables = tables
        self._connection = connection
        self._depth = 0

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Database:
        """The file at `path`, brought to this code's schema. Raises CannotOpen before anything is written."""
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise SqliteTooOld(sqlite3.sqlite_version, ".".join(map(str, OLDEST_SQLITE)))
        # Here, not at the top: the readers of records and errors should not pay for it.
        from store.light_import import sqlite_utils

        prepare(path, create=create)
        with in_our_words(path):
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            tables = sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)
            database = cls(path, connection, tables)
            with in_our_words(path):
                database._bring_up_to_date()
            close_to_others(path)
        except BaseException:
            connection.close()
            raise
        return database

    def _bring_up_to_date(self) -> None:
        from store.migrations import APPLICATION_ID, NAMES, migrations

        # In this order: who makes the schema at this moment signs it in the same commit.
        if self.value("SELECT count(*) FROM sqlite_schema") and (
            self.value("PRAGMA application_id") != APPLICATION_ID
        ):
            raise NotAStore(self.path, "another program wrote it")
        unknown = [applied.name for applied in migrations.applied(self.tables) if applied.name not in NAMES]
        if unknown:
            raise SchemaTooNew(self.path, unknown)
        self._set_pragmas()
        if migrations.pending(self.tables):
            with self.transaction():
                migrations.apply(
                    self.tables
                )  # looks again, under the lock: another process may have been first

    def _set_pragmas(self) -> None:
        wanted: dict[str, str | int] = {
            "journal_mode": journal_mode(sqlite3.sqlite_version_info),
            "synchronous": 2,  # FULL: without it a power cut takes back what was acknowledged
            "foreign_keys": 1,
            "secure_delete": 1,  # forgotten text is overwritten, not left in free pages
            "temp_store": 2,  # memory: no text of the user in temporary files
            "cell_size_check": 1,
            "mmap_size": 0,
        }
        for pragma, value in wanted.items():
            self._connection.execute(f"PRAGMA {pragma} = {value}")
            found = self.value(f"PRAGMA {pragma}")
            if found != value:
                raise StoreUnusable(self.path, f"SQLite keeps {pragma} at {found!r} and {value!r} is needed")

    def _in_transaction(self) -> bool:
        with in_our_words(self.path):
            return self._connection.in_transaction

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()

    def execute(self, sql: str, parameters: Sequence[SqlValue] = ()) -> sqlite3.Cursor:
        with in_our_words(self.path):
            return self._connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[SqlValue] = ()) -> list[sqlite3.Row]:
        """All of them at once: an open cursor would hold a lock that other processes wait for."""
        with in_our_words(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[SqlValue] = ()) -> sqlite3.Row | None:
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    def asked(self, table: str, kind: str, ids: Iterable[str]) -> list[sqlite3.Row]:
        """The rows with these ids, in the order asked. Raises UnknownId for the first that is not there."""
        wanted = list(ids)
        sql = f"SELECT * FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
        found = {row["id"]: row for row in self.rows(sql, (json.dumps(wanted),))}
        for name in wanted:
            if name not in found:
                raise UnknownId(kind, name)
        return [found[name] for name in wanted]

    def value(self, sql: str, parameters: Sequence[SqlValue] = ()) -> SqlValue:
        """The first column of the first row, None when there is no row."""
        row = self.row(sql, parameters)
        value: SqlValue = row[0] if row else None
        return value

    def insert(self, table: str, values: Mapping[str, SqlValue]) -> bool:
        """True when the row is new, False when one with the same key was there (and stays as it was).

        Breaking any other constraint raises, as does a conversation's id with a NUL (Unstorable): ids are
        looked for through SQLite's JSON functions, which end a text there, and it could never be forgotten.
        Only inside a transaction.
        """
        assert self._in_transaction(), "a write outside a transaction"
        if "\0" in str(values.get("conversation")):
            raise Unstorable(f"conversation {values['conversation']!r}", "its id holds a NUL")
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        return self.execute(sql, tuple(values.values())).rowcount == 1

    def shed_traces(self) -> None:
        """Empty the write-ahead log, which may still hold pages as they were before a deletion."""
        if not self._in_transaction():
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def require(self, table: str, kind: str, *ids: str | None) -> None:
        """Raises UnknownId for the first id that the table does not hold; None is let through."""
        named = [each for each in ids if each is not None]
        if named:
            sql = f"SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM {table})"
            for row in self.rows(sql, (json.dumps(named),)):
                raise UnknownId(kind, row[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it, durable when the block is left.

        The outermost block takes the write lock (StoreBusy when it cannot) and commits. A block inside it
        joins: when it raises, its own writes are undone and the outer block may go on.
        """
        if self._depth:
            self._check_still_open()
            name = f"depth_{self._depth}"
            begin, keep, undo = f"SAVEPOINT {name}", f"RELEASE {name}", f"ROLLBACK TO {name}"
        else:
            begin, keep, undo = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
        self.execute(begin)
        self._depth += 1
        try:
            yield
            self._check_still_open()
            self._keep(keep)
        except BaseException:
            if self._in_transaction():  # some errors, such as a full disk, roll all of it back themselves
                self.execute(undo)
            raise
        finally:
            self._depth -= 1

    def _keep(self, sql: str) -> None:
        try:
            self.execute(sql)
        except sqlite3.IntegrityError as error:
            for broken in self.rows("PRAGMA foreign_key_check"):
                raise DanglingReference(broken["table"], broken["parent"]) from error
            raise

    def _check_still_open(self) -> None:
        if not self._in_transaction():
            raise StoreUnusable(self.path, "an earlier error undid this transaction")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Several reads of one state. Do not leave it open: other processes cannot commit meanwhile."""
        if self._in_transaction():
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            if self._in_transaction():
                self.execute("COMMIT")

    @contextmanager
    def scratch(self) -> Iterator[Database]:
        """This state, to try things in: whatever is written there is gone when the block is left.

        A copy in memory: nobody waits for who works in it, however long, but for the copying. Inside a
        transaction it is the database itself, which alone knows what is not committed yet.
        """
        if self._depth:
            with suppress(_Undone), self.transaction():
                yield self
                raise _Undone
            return
        memory = sqlite3.connect(":memory:", isolation_level=None)
        try:
            memory.row_factory = sqlite3.Row
            for pragma, value in _SCRATCH_PRAGMAS.items():
                memory.execute(f"PRAGMA {pragma} = {value}")
            with in_our_words(self.path), self.reading():
                self.value("SELECT count(*) FROM sqlite_schema")  # the lock: backup() would try for ever
                self._connection.backup(memory)
            tables = type(self.tables)(memory, recursive_triggers=False, execute_plugins=False)
            yield Database(self.path, memory, tables)
        finally:
            memory.close()


@contextmanager
def in_our_words(path: Path) -> Iterator[None]:
    """Translates what sqlite3 raises about the file `path` into one clear StoreError."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise Unstorable("a text", f"it is not valid Unicode ({error.reason})") from error
    except sqlite3.ProgrammingError as error:
        if "closed database" in str(error):
            raise StoreClosed(path) from error
        raise
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the family
        match code:
            case sqlite3.SQLITE_FULL:
                raise StoreFull(path) from error
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise StoreBusy(path, BUSY_SECONDS) from error
            case sqlite3.SQLITE_NOTADB:
                raise NotAStore(path, "it is no SQLite file") from error
            case sqlite3.SQLITE_CORRUPT:
                raise StoreDamaged(path, str(error)) from error
            case sqlite3.SQLITE_TOOBIG:
                raise Unstorable("a text", "it is larger than SQLite can hold") from error
            case (
                sqlite3.SQLITE_IOERR | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM
            ):
                raise StoreUnusable(path, str(error)) from error
        raise
