"""What the chat on the whole terminal alone remembers: drafts, prompts that were sent, titles, what was seen.

A file of its own, 0600, that several chats may use at once. Losing it loses comfort and no conversation; what
is forgotten elsewhere is forgotten here too.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (kind TEXT, key TEXT, value TEXT, at REAL, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS prompts (seq INTEGER PRIMARY KEY, text TEXT UNIQUE);
"""
_PROMPTS = 1000  # kept; the oldest go first
_PATIENCE = 2.0  # seconds to wait for another chat that writes

NEW = ""  # the draft of a conversation that has not begun


class Notebook:
    """`file` None: nothing outlives the process."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._memory = sqlite3.connect(":memory:") if file is None else None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            file.chmod(0o600)
        with self._open() as database:
            database.executescript(_SCHEMA)

    def draft(self, conversation: str = NEW) -> str:
        return self._value("draft", conversation)

    def keep_draft(self, text: str, conversation: str = NEW) -> None:
        self._note("draft", conversation, text)

    def titles(self) -> dict[str, str]:
        """By conversation."""
        with self._open() as database:
            rows = database.execute("SELECT key, value FROM notes WHERE kind = 'title'").fetchall()
        return dict(rows)

    def rename(self, conversation: str, title: str) -> None:
        """An empty title gives the conversation its own opening back."""
        self._note("title", conversation, title.strip())

    def forget(
        self, conversation: str = NEW, *, said: Sequence[str] = (), answers: Sequence[str] = ()
    ) -> None:
        """What was noted of a conversation, its draft and title; the prompts that `said` so, behind a command
        too; what was written in place of these `answers`."""
        with self._open() as database:
            titles = database.execute(
                "SELECT value FROM notes WHERE kind = 'title' AND key = ?", (conversation,)
            )
            gone = {text.strip() for text in (*said, *(row[0] for row in titles))} - {""}
            prompts = database.execute("SELECT text FROM prompts").fetchall()
            database.executemany(
                "DELETE FROM prompts WHERE text = ?", [row for row in prompts if _words(row[0]) & gone]
            )
            database.executemany(
                "DELETE FROM notes WHERE kind = 'draft' AND key = ?",
                [(f"better:{answer}",) for answer in answers],
            )
            if conversation != NEW:
                database.execute(
                    "DELETE FROM notes WHERE key = ? AND kind IN ('draft', 'title')", (conversation,)
                )

    def seen(self, what: str) -> str:
        """The last one of `what` (a run's id, a theme) that was noted."""
        return self._value("seen", what)

    def see(self, what: str, value: str) -> None:
        self._note("seen", what, value)

    def sent(self, text: str) -> None:
        """A prompt that was sent; the same one again moves to the end."""
        with self._open() as database:
            database.execute("DELETE FROM prompts WHERE text = ?", (text,))
            database.execute("INSERT INTO prompts (text) VALUES (?)", (text,))
            database.execute(
                "DELETE FROM prompts WHERE seq <= (SELECT max(seq) FROM prompts) - ?", (_PROMPTS,)
            )

    def prompts(self) -> list[str]:
        """Latest first."""
        with self._open() as database:
            return [row[0] for row in database.execute("SELECT text FROM prompts ORDER BY seq DESC")]

    def _value(self, kind: str, key: str) -> str:
        with self._open() as database:
            found = database.execute(
                "SELECT value FROM notes WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return found[0] if found else ""

    def _note(self, kind: str, key: str, value: str) -> None:
        with self._open() as database:
            if value:
                database.execute("REPLACE INTO notes VALUES (?, ?, ?, ?)", (kind, key, value, time.time()))
            else:
                database.execute("DELETE FROM notes WHERE kind = ? AND key = ?", (kind, key))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        if self._memory is not None:
            with self._memory:
                yield self._memory
            return
        assert self._file is not None
        with closing(sqlite3.connect(self._file, timeout=_PATIENCE)) as database:
            database.execute("PRAGMA secure_delete = 1")  # what is forgotten is overwritten
            with database:
                yield database


def _words(prompt: str) -> set[str]:
    """What a prompt says: all of it, what stands behind its command, what it says with one slash of two."""
    if not prompt.startswith("/"):
        return {prompt}
    return {prompt, prompt[1:], prompt.partition(" ")[2].strip()}
