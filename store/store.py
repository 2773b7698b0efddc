"""The store of one identity: one SQLite file, its table families as attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from store.database import Database
from store.examples import Examples
from store.feedback import FeedbackTable
from store.forget import Falling, Forgotten, foresee, forget
from store.interactions import Interactions
from store.ledger import Ledger
from store.mark import Mark, mark
from store.runs import Runs
from store.signals import Signals
from store.snapshots import Snapshots
from store.verify import Problem, verify


class Store:
    """One connection, not thread-safe: open one store per thread.

    What a call wrote is durable when the call returns, or when the outermost `transaction()` is left.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feedback = FeedbackTable(database)
        self.interactions = Interactions(database, self.feedback)
        self.signals = Signals(database)
        self.ledger = Ledger(database)
        self.examples = Examples(database)
        self.snapshots = Snapshots(database)
        self.runs = Runs(database)

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Store:
        """The store at `path`, brought to this code's schema; with `create`, a new one where none is.

        Raises CannotWork, or CannotOpen (StoreMissing, NotAStore, SchemaTooNew) with the file left as it was.
        """
        return cls(Database.open(Path(path), create=create))

    @property
    def path(self) -> Path:
        return self.database.path

    def transaction(self) -> AbstractContextManager[None]:
        """All of the block or nothing of it. Blocks nest: inner ones join the outermost."""
        return self.database.transaction()

    @contextmanager
    def scratch(self) -> Iterator[Store]:
        """The store as it is now, to work and to write in: what is written there is gone afterwards.

        Outside a transaction it is a copy in memory, and no writer waits for whoever works in it.
        """
        with self.database.scratch() as database:
            yield Store(database)

    def mark(self) -> Mark:
        """Stays as it is while nothing is forgotten and nothing changes in the ledger and the splits."""
        return mark(self.database)

    def forget(
        self,
        *,
        at: datetime,
        conversations: Iterable[str] = (),
        interactions: Iterable[str] = (),
        preferences: Iterable[str] = (),
    ) -> Forgotten:
        """Delete what was said and all that was made of it; see store.forget. Raises UnknownId."""
        return forget(
            self.database,
            at=at,
            conversations=conversations,
            interactions=interactions,
            preferences=preferences,
        )

    def foresee(
        self,
        *,
        conversations: Iterable[str] = (),
        interactions: Iterable[str] = (),
        preferences: Iterable[str] = (),
    ) -> Falling:
        """What `forget` would delete; nothing changes. Raises UnknownId."""
        return foresee(
            self.database, conversations=conversations, interactions=interactions, preferences=preferences
        )

    def verify(self) -> list[Problem]:
        """Everything that should be true of the file and is not; empty when it is intact."""
        return verify(self.database)

    def close(self) -> None:
        """Idempotent. What is called after it raises StoreClosed."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
