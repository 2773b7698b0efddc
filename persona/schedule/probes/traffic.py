"""persona's own traffic: the one sign of a person that every machine has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Reading


class OwnTraffic:
    """Time since the last request or the end of its answer, none while an answer is under way; from the
    daemon's start on: someone was there to start it.

    Counted on a clock that no change of the date moves and that stands still while the machine sleeps, so
    that opening a lid in the morning does not look like eight idle hours. Everything here may be called from
    any thread and never blocks.
    """

    name = "requests to persona"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._lock = threading.Lock()  # held for an addition
        self._under_way = 0

    def touch(self) -> None:
        """Someone asks something now."""
        self._at = self._clock()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Someone waits for an answer, or reads it, until this is left."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            self.touch()  # first: whoever reads in between finds the answer or its end
            with self._lock:
                self._under_way -= 1

    def read(self) -> Reading[timedelta] | Missing:
        if self._under_way:
            return Reading(timedelta())
        return Reading(timedelta(seconds=max(0.0, self._clock() - self._at)))
