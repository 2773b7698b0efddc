"""A few places, given in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType


class Turns:
    """`with turns:` holds one of `places`; not reentrant. With a plain lock, one thread's long loop would
    keep all others out. All who hold a place share `room`, of which each may need some.
    """

    def __init__(self, places: int = 1, room: int = 0) -> None:
        self._places = places
        self._room = room
        self._taken = 0
        self._used = 0
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    def alone(self) -> AbstractContextManager[None]:
        """Hold all places at once: whoever has one leaves first, and nobody enters meanwhile."""
        return self._holding(self._places, 0)

    def using(self, room: int) -> AbstractContextManager[None]:
        """Hold a place and so much of the room, or all of it for whoever needs more."""
        return self._holding(1, min(room, self._room))

    def __enter__(self) -> None:
        self._take(1, 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._give(1, 0)

    @contextmanager
    def _holding(self, places: int, room: int) -> Iterator[None]:
        self._take(places, room)
        try:
            yield
        finally:
            self._give(places, room)

    def _take(self, places: int, room: int) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(
                lambda: (
                    self._waiting[0] is ticket
                    and self._taken + places <= self._places
                    and self._used + room <= self._room
                )
            )
            self._waiting.popleft()
            self._taken += places
            self._used += room
            self._changed.notify_all()

    def _give(self, places: int, room: int) -> None:
        with self._changed:
            self._taken -= places
            self._used -= room
            self._changed.notify_all()
