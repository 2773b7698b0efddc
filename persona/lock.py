"""One writer per home: an flock on an open descriptor, which the kernel frees however its holder ends.

There is no pid in the file and nothing to clean up after a crash; an unlocked lock file means nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from persona.errors import Busy

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def home_lock(home: Path, *, wait: float = 0, name: str = "lock", shared: bool = False) -> Iterator[None]:
    """Hold `home`/`name`, or raise Busy when another holder keeps it for more than `wait` seconds.

    Two holders in one process exclude each other too; `shared` ones exclude only those that are not.
    Children do not inherit the lock. `home` must exist.
    """
    descriptor = os.open(home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(descriptor, home, time.monotonic() + wait, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # frees the lock


def _acquire(descriptor: int, home: Path, deadline: float, kind: int) -> None:
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            if time.monotonic() >= deadline:
                raise Busy(home) from None
            time.sleep(_POLL_SECONDS)
        else:
            return
