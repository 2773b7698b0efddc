"""Someone looks who is there, once a second, for as long as a night runs.

A thread of its own: the ticker's calls come in minutes, and a probe that hangs must hold up nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("persona.schedule")

EVERY = 1.0  # seconds; with the child's own look, five times a second, a person waits for two at most


class Lookout:
    """Calls `look` until `over` is set. What it raises is logged once, and it goes on."""

    def __init__(self, look: Callable[[], None], *, every: float = EVERY) -> None:
        self._look, self._every = look, every
        self._over = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._watch, name="persona-lookout", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a look that has begun."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._look()
            except Exception:  # noqa: BLE001  # a night must not run on unseen for a probe's bug
                if not self._failed:
                    _log.exception("schedule: who is there cannot be seen")
                self._failed = True
