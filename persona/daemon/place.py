"""Where the running daemon is: one a home, held by a lock, and told in a file.

The lock says that a daemon runs; the file only says how it is reached, and means nothing without the lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from adapters.durable import write_file
from persona.errors import Busy, DaemonRuns
from persona.lock import home_lock
from persona.paths import Home

_LOCK = "daemon.lock"
_PATIENCE = 1.0  # seconds; who looks for a daemon tries the lock for a moment, which must not keep one out
_TO_ITSELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what listens everywhere is also here


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """`host` and `port` are what the daemon listens on."""

    pid: int
    host: str
    port: int

    @property
    def reached(self) -> str:
        """The host that a program on this machine connects to."""
        return _TO_ITSELF.get(self.host, self.host)

    @property
    def url(self) -> str:
        """As a program on this machine reaches it."""
        host = f"[{self.reached}]" if ":" in self.reached else self.reached
        return f"http://{host}:{self.port}"


@contextmanager
def only_daemon(home: Home) -> Iterator[None]:
    """Hold the home as its daemon. DaemonRuns when another one does."""
    try:
        lock = home_lock(home.root, name=_LOCK, wait=_PATIENCE)
        lock.__enter__()
    except Busy:
        found = _read(home)
        if found is None:
            raise DaemonRuns(home.root) from None
        raise DaemonRuns(home.root, pid=found.pid, url=found.url) from None
    try:
        _forget_place(home)  # of one that was killed: while this one loads, nobody shall be sent there
        yield
    finally:
        _forget_place(home)
        lock.__exit__(None, None, None)


def tell_place(home: Home, *, host: str, port: int) -> Place:
    """Write down where the daemon, this process, is reached."""
    place = Place(pid=os.getpid(), host=host, port=port)
    write_file(home.daemon, json.dumps(asdict(place)).encode())
    return place


def find_daemon(home: Home) -> Place | None:
    """Where the daemon of this home is reached; None when none runs, or it is not ready yet."""
    return _read(home) if daemon_is_there(home) else None


def daemon_is_there(home: Home) -> bool:
    """Whether one runs, ready or not yet. Two who look take each other for no daemon."""
    try:
        with home_lock(home.root, name=_LOCK, shared=True):
            return False
    except FileNotFoundError:
        return False  # no home
    except Busy:
        return True


def _forget_place(home: Home) -> None:
    with suppress(FileNotFoundError):
        home.daemon.unlink()


def _read(home: Home) -> Place | None:
    try:
        return Place(**json.loads(home.daemon.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
