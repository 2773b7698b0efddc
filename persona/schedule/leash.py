"""What a running night is held by: when to end, and how long nobody has wanted the machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol


class Leash:
    """Made by the clock for one night, read by the night from any thread; nothing here blocks."""

    def __init__(
        self,
        quiet: float,
        requests: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`quiet` and `requests` are seconds: since someone used the machine, and since someone asked
        persona something, both `inf` when that is not to matter."""
        self.cancel = threading.Event()
        """Set when the night has to end: a shutdown, or a person who stays."""
        self._requests, self._clock = requests, clock
        self._read = (quiet, clock())
        self._wanted_since: float | None = None

    def idle_seconds(self) -> float:
        """Since the machine was wanted by a person, or by its battery; 0 while it is, `inf` for never."""
        quiet, at = self._read
        return min(quiet + self._clock() - at if quiet else 0.0, self._requests())

    def look(self, quiet: float, *, presence: float, patience: float) -> bool:
        """Take a new reading. False once the machine has been wanted (less than `presence` seconds of quiet)
        for `patience` seconds on end: then the night had better give its memory back."""
        now = self._clock()
        self._read = (quiet, now)
        if self.idle_seconds() >= presence:
            self._wanted_since = None
            return True
        if self._wanted_since is None:
            self._wanted_since = now
        return now - self._wanted_since < patience


class NightEnd(Protocol):
    """How a night ended well: promoted, rejected or nothing_to_learn; `revision` is "r7" or None."""

    @property
    def outcome(self) -> str: ...
    @property
    def revision(self) -> str | None: ...
    @property
    def reasons(self) -> Sequence[str]: ...


class NightWork(Protocol):
    """Runs one night, start to end, in the thread that calls it, and stops soon after `leash.cancel` is set.

    A PersonaError whose exit code says "try again later" (75), and KeyboardInterrupt, mean that it made way;
    any other error that it failed.
    """

    def __call__(self, leash: Leash) -> NightEnd: ...
