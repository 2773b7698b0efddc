"""Every error that the store expects.

StoreError
├── CannotOpen               the file is not one that this code may use
│   ├── StoreMissing
│   ├── NotAStore
│   ├── SchemaTooNew
│   └── SqliteTooOld
├── CannotWork               the file is right, the machine or another process is in the way
│   ├── StoreFull
│   ├── StoreBusy
│   ├── StoreClosed
│   ├── StoreUnusable
│   └── StoreDamaged
└── Refused                  what was asked would make the facts contradict each other
    ├── Unstorable
    ├── UnknownId
    ├── DanglingReference
    ├── WrongId
    ├── SplitMoved
    ├── DuplicateActive
    ├── RunOpen
    └── RunFinished

Messages are built here, from typed arguments: what, where, what to do. A refused call wrote nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class StoreError(Exception):
    """Expected: its text is one clear line."""


class CannotOpen(StoreError):
    """The file is not one that this code may use; it was left as it was."""


class StoreMissing(CannotOpen):
    def __init__(self, path: Path) -> None:
        super().__init__(f"no store at {path}: create one first, or check the path")


class NotAStore(CannotOpen):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is not a store: {why}; nothing was changed, check the path")


class SchemaTooNew(CannotOpen):
    def __init__(self, path: Path, unknown: Sequence[str]) -> None:
        super().__init__(
            f"{path} was written by newer code (this code does not know {', '.join(unknown)}): "
            "use the newer version, or restore a backup made before the upgrade"
        )


class SqliteTooOld(CannotOpen):
    def __init__(self, version: str, wanted: str) -> None:
        super().__init__(
            f"SQLite {version} is too old: the store needs {wanted} or later, with FTS5 and JSON"
        )


class CannotWork(StoreError):
    """The transaction was rolled back; what was committed before stands."""


class StoreFull(CannotWork):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"no space left to write {path}: nothing of this change was kept, free some space and try again"
        )


class StoreBusy(CannotWork):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(
            f"{path} stayed locked by another process for {seconds:g} s: try again, or stop the other one"
        )


class StoreClosed(CannotWork):
    def __init__(self, path: Path) -> None:
        super().__init__(f"the store {path} is closed: open it again")


class StoreUnusable(CannotWork):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} cannot be read or written ({why}): check the disk, the owner and the mode of the file"
        )


class StoreDamaged(CannotWork):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is damaged ({why}): restore a backup, and keep this file for a rescue")


class Refused(StoreError):
    """What was asked would make the facts contradict each other."""


class Unstorable(Refused):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} cannot be stored: {why}")


class UnknownId(Refused):
    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"no {kind} {name!r} in this store: add it first, or check the id")


class DanglingReference(Refused):
    """Met at the end of a transaction, for what may be named before it is added."""

    def __init__(self, table: str, parent: str) -> None:
        super().__init__(
            f"a row of {table} names one of {parent} that was not added: add it in the same transaction"
        )


class WrongId(Refused):
    def __init__(self, kind: str, given: str, derived: str) -> None:
        super().__init__(
            f"{kind} {given!r} should be named {derived!r} after its content: take ids from store.identity"
        )


class SplitMoved(Refused):
    def __init__(self, conversation: str, kept: str, asked: str) -> None:
        super().__init__(
            f"conversation {conversation!r} is {kept} and cannot become {asked}: a split is decided once"
        )


class DuplicateActive(Refused):
    def __init__(self, scope: str, attribute: str, active: str, asked: str) -> None:
        self.active = active
        super().__init__(
            f"{asked!r} cannot be active beside {active!r}, both are about {attribute!r} in scope {scope!r}: "
            "supersede or retire that one first"
        )


class RunOpen(Refused):
    def __init__(self, asked: str, open_run: str) -> None:
        super().__init__(f"run {asked!r} cannot start while {open_run!r} has no end: finish that one first")


class RunFinished(Refused):
    def __init__(self, run: str, state: str) -> None:
        super().__init__(f"run {run!r} ended as {state} already: a finished run is never changed")
