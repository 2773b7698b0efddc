"""A mark of all that was decided and forgotten: two that are equal say that nothing was, in between.

Facts that are only added leave the mark as it is: whoever works on a state of the store works on what was
true then, and what came in later takes nothing of it back. Decisions and forgetting do.
"""

from __future__ import annotations

from dataclasses import dataclass

from store.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Each number grows with what it is about; only forgetting makes the others fall, and is counted."""

    forgotten: int
    events: int
    evidence: int
    splits: int


def mark(database: Database) -> Mark:
    row = database.row(_MARK)
    assert row is not None, "a query without a table always has a row"
    return Mark(**dict(row))


def count_forgetting(database: Database) -> None:
    """Once in each transaction that deletes. In the file's header: the row numbers of what was deleted are
    given to others, and so tell nothing."""
    forgotten = mark(database).forgotten
    database.execute(f"PRAGMA user_version = {forgotten + 1}")


_MARK = """
    SELECT (SELECT user_version FROM pragma_user_version) AS forgotten,
        (SELECT coalesce(max(seq), 0) FROM ledger_events) AS events,
        (SELECT coalesce(max(seq), 0) FROM evidence) AS evidence,
        (SELECT count(*) FROM splits) AS splits
"""
