"""persona's own traffic: the one sign of a person that every machine has."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Reading


class OwnTraffic:
    """Time since the last request, or since the daemon's start: someone was there to start it.

    Counted on a clock that no change of the date moves and that stands still while the machine sleeps, so
    that opening a lid in the morning does not look like eight idle hours. `touch` and `read` may be called
    from any thread and never block.
    """

    name = "requests to persona"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()

    def touch(self) -> None:
        """Someone asks something now."""
        self._at = self._clock()

    def read(self) -> Reading[timedelta] | Missing:
        return Reading(timedelta(seconds=max(0.0, self._clock() - self._at)))
