"""Full-text search over what was said, for text that people type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.database import Database
from store.json_forms import instant
from store.records import Role

_MOST_WORDS = 32  # distinct ones; with thousands, choosing the excerpt takes SQLite minutes


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One message that was found. `interaction` is the one it belongs to: the answer to it, or itself when it
    is an answer; for what was said after the last answer, that answer."""

    interaction: str
    conversation: str
    at: datetime
    role: Role
    excerpt: str


def quoted(text: str) -> str:
    """An FTS5 expression that asks for the words of `text` and means nothing else; empty without words."""
    clean = text.encode(errors="replace").decode().replace("\0", " ")  # a NUL would end the expression
    words = list(dict.fromkeys(clean.split()))[:_MOST_WORDS]
    return " ".join('"' + word.replace('"', '""') + '"' for word in words)


def search(database: Database, text: str, *, limit: int) -> list[Hit]:
    query = quoted(text)
    if not query:
        return []
    with database.reading():
        found = database.rows(_FOUND, (query, limit))
        hits = []
        for row in found:
            place = (row["conversation"], row["message"])
            owner = database.row(_ANSWER, place) or database.row(_ANSWER_BEFORE, place)
            if owner is not None:
                hits.append(
                    Hit(
                        interaction=owner["id"],
                        conversation=row["conversation"],
                        at=instant(owner["at"]),
                        role=row["role"],
                        excerpt=row["excerpt"],
                    )
                )
    return hits


_FOUND = """
    SELECT said.conversation, said.message, messages.role,
        snippet(messages_fts, 0, '', '', '…', 16) AS excerpt
    FROM messages_fts
    JOIN messages ON messages.seq = messages_fts.rowid
    JOIN said ON said.message = messages.id
    WHERE messages_fts MATCH ?
    ORDER BY messages_fts.rank, messages.seq, said.conversation LIMIT ?
"""

_ANSWER = """
    WITH RECURSIVE below(conversation, id, depth) AS (
        VALUES (?, ?, 0)
        UNION ALL
        SELECT below.conversation, messages.id, depth + 1 FROM below
        JOIN messages ON messages.parent = below.id
        JOIN said ON said.message = messages.id AND said.conversation = below.conversation
    )
    SELECT interactions.id, interactions.at FROM below
    JOIN interactions ON interactions.completion = below.id AND interactions.conversation = below.conversation
    ORDER BY depth, interactions.seq LIMIT 1
"""

_ANSWER_BEFORE = """
    WITH RECURSIVE above(conversation, id, depth) AS (
        VALUES (?, ?, 0)
        UNION ALL
        SELECT above.conversation, messages.parent, depth + 1 FROM above
        JOIN messages ON messages.id = above.id WHERE messages.parent IS NOT NULL
    )
    SELECT interactions.id, interactions.at FROM above
    JOIN interactions ON interactions.completion = above.id AND interactions.conversation = above.conversation
    ORDER BY depth, interactions.seq LIMIT 1
"""
