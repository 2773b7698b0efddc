"""What stands in a revision's prompts: read when the store changes, and not for every request."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from adapters import Bare, Revision
from persona.bridge import live_for
from persona.precedents import Precedent, precedents_for
from store import Store
from store.errors import StoreError
from store.records import Preference

_REST = 1.0  # seconds between two looks at a store that changes all the time
# A report that another version of persona wrote has another shape, and whoever reads it stumbles like this.
_NOT_UNDERSTOOD = (LookupError, TypeError, ValueError, AttributeError)

_log = logging.getLogger(__name__)


class WaitingPreferences:
    """Thread-safe. A store that cannot be read leaves what was read last, and is read again until it can be.
    A report in it that is not understood leaves it too, until the store changes. Each is complained of once,
    and no answer fails for it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Preference, ...]] = {}
        self._precedents: dict[str, tuple[Precedent, ...]] = {}
        self._unread: set[str] = set()  # whose preferences the store did not give when it was asked last
        self._seen: object = None
        self._looked = 0.0
        self._amiss: dict[str, str] = {}  # what is wrong with whose preferences

    def __call__(self, revision: Revision | Bare) -> tuple[Preference, ...]:
        """Those that `revision` does not carry; read here only when it is asked for the first time."""
        known = self._known.get(revision.id)
        if known is None:
            self._read([revision.id])
            known = self._known.setdefault(revision.id, ())
        return known

    def precedents(self, revision: Revision | Bare) -> tuple[Precedent, ...]:
        """Those that `revision` calls better with, read with its preferences."""
        self(revision)
        return self._precedents.get(revision.id, ())

    def refresh(self, *, now: bool = False) -> None:
        """Read again if the store has changed or could not be read; with `now`, without rest."""
        stamp = _stamp(self._path)
        if stamp == self._seen and not self._unread:
            return
        if not now and time.monotonic() - self._looked < _REST:
            return
        self._looked = time.monotonic()
        self._read(list(self._known))
        self._seen = stamp

    def _read(self, revisions: list[str]) -> None:
        with self._lock:
            try:
                with Store.open(self._path, create=False) as store:
                    for revision in revisions:
                        self._read_one(store, revision)
            except StoreError as error:
                self._unread.update(revisions)
                for revision in revisions:
                    self._complain(revision, str(error))

    def _read_one(self, store: Store, revision: str) -> None:
        try:
            found = live_for(store, revision)
            precedents = precedents_for(store, revision)
        except StoreError as error:
            self._unread.add(revision)
            self._complain(revision, str(error))
        except _NOT_UNDERSTOOD as error:
            self._unread.discard(revision)
            self._complain(revision, f"its report is not understood: {error!r}")
        else:
            self._unread.discard(revision)
            self._amiss.pop(revision, None)
            self._precedents = {**self._precedents, revision: precedents}
            self._known = {**self._known, revision: found}

    def _complain(self, revision: str, why: str) -> None:
        if self._amiss.get(revision) != why:
            _log.warning("preferences for %s could not be read: %s", revision, why)
        self._amiss[revision] = why


def _stamp(path: Path) -> object:
    """WAL keeps new rows beside the file until they are moved over."""
    found: list[tuple[int, int] | None] = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            status = file.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)
