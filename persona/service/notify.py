"""Tells systemd how the daemon is: ready, alive, stopping. Nothing happens where nobody listens.

The protocol is one datagram of NAME=VALUE lines to the socket that $NOTIFY_SOCKET names.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping

_log = logging.getLogger("persona.service")


class Notifier:
    """For the process that the service manager started. Methods never raise; a datagram that is not
    taken is logged."""

    def __init__(self, environ: Mapping[str, str] = os.environ, *, process: int | None = None) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        if address[:1] not in ("", "/", "@"):
            _log.warning("NOTIFY_SOCKET is %r, no path and no abstract name: not used", address)
            address = ""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_seconds = _watchdog(environ, os.getpid() if process is None else process)
        """How often a sign of life is asked for; None: not at all."""

    def ready(self, status: str) -> None:
        """`status` is one line that the service's status shows."""
        self._send("READY=1", f"STATUS={_line(status)}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                to.settimeout(1.0)
                to.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            _log.warning("the service manager was not told %s: %s", lines[0], error)


class Heartbeat:
    """Signs of life, in a thread of its own, three times as often as asked for, while `alive` says so.

    Nothing is started where no watchdog waits. `stop` is idempotent.
    """

    def __init__(self, notifier: Notifier, alive: Callable[[], bool] = lambda: True) -> None:
        self._notifier, self._alive = notifier, alive
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._notifier.watchdog_seconds is not None:
            self._thread = threading.Thread(target=self._beat, name="persona-heartbeat", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        assert self._notifier.watchdog_seconds is not None
        while True:
            if self._alive():
                self._notifier.alive()
            if self._stopped.wait(self._notifier.watchdog_seconds / 3):
                return


def _watchdog(environ: Mapping[str, str], process: int) -> float | None:
    asked, of = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(process))
    if not asked.isdecimal() or not int(asked) or of != str(process):
        return None
    return int(asked) / 1e6


def _line(text: str) -> str:
    return " ".join(text.split())
