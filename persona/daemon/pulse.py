"""What the service manager is told: that the daemon answers, that it still does, and that it ends."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

from persona.daemon.place import Place
from persona.service.notify import Heartbeat, Notifier

_PATIENCE = 5.0  # seconds; the watchdog waits for three answers that do not come


@contextmanager
def told(place: Place, notifier: Notifier | None = None) -> Iterator[None]:
    """While the body runs, the manager hears signs of life as long as requests are answered."""
    notifier = notifier or Notifier()
    heartbeat = Heartbeat(notifier, alive=lambda: answers(place))
    notifier.ready(f"answering at {place.url}")
    heartbeat.start()
    try:
        yield
    finally:
        notifier.stopping()
        heartbeat.stop()


def answers(place: Place) -> bool:
    """Whether anything, a refusal too, comes back within seconds."""
    to = http.client.HTTPConnection(place.reached, place.port, timeout=_PATIENCE)
    try:
        to.request("GET", "/health")
        return to.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        to.close()
