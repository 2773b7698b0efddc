"""When a child has to make room for the user: the Pause port, and the clock that knows about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

IdleSeconds = Callable[[], float]
"""Seconds since the user last wanted the machine; 0 while an answer is being made, `inf` for never.

Called about twice a second from the thread that follows the child. It must not block and must not raise.
"""

Manner = Literal["freeze", "end"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """The user comes first: a child stands still until the user has been away for `quiet_seconds`.

    freeze: its processes are stopped where they are and continued later; they keep their memory.
    end: it is told to end, since a frozen process would keep a graphics card's memory, and has
        `parting_seconds` to keep what it has done, if it can; `run_child` raises Yielded.
    """

    idle_seconds: IdleSeconds
    quiet_seconds: float = 60.0
    manner: Manner = "freeze"
    parting_seconds: float = 15.0

    def wanted(self) -> bool:
        """Whether the child has to stand still now."""
        return self.idle_seconds() < self.quiet_seconds


class Stopwatch:
    """Seconds of work and seconds of standing still, kept apart."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent = {True: 0.0, False: 0.0}
        self._paused = False
        self._last = clock()

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def seconds(self) -> float:
        self._count()
        return self._spent[False]

    @property
    def paused_seconds(self) -> float:
        self._count()
        return self._spent[True]

    def turn(self, *, paused: bool) -> None:
        """From now on the time counts as work, or as standing still."""
        self._count()
        self._paused = paused

    def _count(self) -> None:
        now = self._clock()
        self._spent[self._paused] += now - self._last
        self._last = now
