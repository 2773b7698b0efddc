"""One writer at a time: flock on an open file, which the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.durable import FILE_MODE
from adapters.errors import Locked, WriteFailed

PATIENCE = 30.0  # seconds; a mutation takes milliseconds, so whoever holds it longer is stuck
_PAUSE = 0.005


@contextmanager
def exclusive(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at `path` alone, against other processes and other threads of this one.

    Not reentrant. Raises Locked after `patience` seconds.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)  # a umask that took it from us would lock us out next time
            _wait(descriptor, path, patience)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise WriteFailed(path, error) from error
    try:
        yield
    finally:
        os.close(descriptor)  # releases the lock


def _wait(descriptor: int, path: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Locked(path, patience) from None
            time.sleep(_PAUSE)
        else:
            return
