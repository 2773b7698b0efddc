"""The store's file on disk: made for its owner alone, whatever the umask.

SQLite gives -journal, -wal and -shm the mode of the file that they belong to, so that mode is set before
SQLite sees the file.
"""

from __future__ import annotations

import os
from pathlib import Path

from store.errors import NotAStore, StoreMissing, StoreUnusable

_FOLDER = 0o700
_FILE = 0o600
_BESIDE = ("", "-journal", "-wal", "-shm")


def prepare(path: Path, *, create: bool) -> None:
    """Make sure that a private file lies at `path`; with `create`, lay an empty one there, and its folder."""
    try:
        if path.exists():
            if not path.is_file():
                raise NotAStore(path, "it is no file")
            if not create and not path.stat().st_size:
                raise NotAStore(path, "it is empty")
        elif not create:
            raise StoreMissing(path)
        else:
            if not path.parent.exists():
                path.parent.mkdir()
                path.parent.chmod(_FOLDER)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, _FILE))
        close_to_others(path)
    except OSError as error:
        raise StoreUnusable(path, error.strerror or str(error)) from error


def close_to_others(path: Path) -> None:
    """Set the mode of the file and of what lies beside it, where it is not right already."""
    for suffix in _BESIDE:
        file = path.with_name(path.name + suffix)
        try:
            if file.stat().st_mode & 0o777 != _FILE:
                file.chmod(_FILE)
        except FileNotFoundError:
            continue  # SQLite takes those away when it is done with them
