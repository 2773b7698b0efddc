"""Every error that a registry raises on purpose; each message says what, where, and what to do.

RegistryError
├── NotARegistry       no registry at this path, and none was to be made
├── UnknownFormat      written by a newer version of this package
├── BadReference       a name that a person gave for a revision
│   ├── UnknownRevision
│   └── AmbiguousRevision
├── BadName            a staging name that is no plain name
├── NameTaken          something is there already, and nothing is ever overwritten
├── NotPublishable     staged files that do not make a revision
├── NoSuchFile         a file that this revision was published without
├── ChampionMoved      the compare in compare-and-swap failed
├── NotAllowed         an operation that the state of a revision rules out
├── Damaged            a file is not what it was written as
├── WriteFailed        the disk said no; the old state stands
└── Locked             another process holds the registry for too long
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path


class RegistryError(Exception):
    """The root of the tree: expected, and told in one line."""


class NotARegistry(RegistryError):
    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(f"{root}: no adapter registry here; open it with create=True to start one")


class UnknownFormat(RegistryError):
    def __init__(self, path: Path, found: str, known: str) -> None:
        self.path = path
        self.why = f"written as {found}, and this version reads {known}"
        super().__init__(f"{path}: {self.why}; update persona")


class BadReference(RegistryError):
    """Ours to fix by naming another revision."""


class UnknownRevision(BadReference):
    def __init__(self, ref: str) -> None:
        self.ref = ref
        super().__init__(f"no revision {ref!r}; give r1, r2, …, r0 for the bare base, champion, or an id")


class AmbiguousRevision(BadReference):
    def __init__(self, ref: str, matches: Sequence[str]) -> None:
        self.ref = ref
        super().__init__(f"{ref!r} could be any of {', '.join(matches)}; give more of the id")


class BadName(RegistryError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is no staging name; use 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit"
        )


class NameTaken(RegistryError):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: already there; discard it or choose another name")


class NotPublishable(RegistryError):
    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        super().__init__(f"{path}: {why}; nothing was published")


class NoSuchFile(RegistryError):
    def __init__(self, revision: str, name: str) -> None:
        super().__init__(f"revision {revision} was published without {name}")


class ChampionMoved(RegistryError):
    def __init__(self, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"the champion is {found} and no longer {expected}; judge again against {found}")


class NotAllowed(RegistryError):
    def __init__(self, action: str, revision: str, why: str) -> None:
        self.revision = revision
        super().__init__(f"cannot {action} {revision}: {why}")


class Damaged(RegistryError):
    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(
            f"{path}: {why}; restore it from a backup; a damaged revision can be retired and built again"
        )


class WriteFailed(RegistryError):
    """`errno` is that of the failed call, so that a caller can tell a full disk from a broken one."""

    def __init__(self, path: Path, cause: OSError, *, undone: bool = True) -> None:
        self.path = path
        self.errno = cause.errno
        why = cause.strerror or str(cause)
        advice = "free some space and try again" if cause.errno == errno.ENOSPC else "check the disk"
        state = (
            "nothing changed" if undone else "and the change could not be taken back, so verify the registry"
        )
        super().__init__(f"{path}: could not be written: {why}; {state}; {advice}")


class Locked(RegistryError):
    def __init__(self, path: Path, seconds: float) -> None:
        self.path = path
        super().__init__(f"{path}: held by another process for {seconds:.0f} s; wait for it, or stop it")
