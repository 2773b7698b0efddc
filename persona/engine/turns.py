"""A few places, given in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType


class Withdrawn(Exception):
    """Whoever waited for a turn does not want it any more, and has left the line."""


class Turn:
    """A place that is held, with its room."""

    def __init__(self, room: int, take: Callable[[int], bool]) -> None:
        self.room = room
        self._take = take

    def grow(self, room: int) -> bool:
        """Take so much more of the room if it is free now; whether it was. Never waits."""
        taken = self._take(room)
        if taken:
            self.room += room
        return taken


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

    def alone(self) -> AbstractContextManager[Turn]:
        """Hold all places at once: whoever has one leaves first, and nobody enters meanwhile."""
        return self._holding(self._places, 0, _wanted)

    def using(self, room: int, *, unless: Callable[[], bool] | None = None) -> AbstractContextManager[Turn]:
        """Hold a place and so much of the room, or all of it for whoever needs more.

        Withdrawn instead, as soon as `unless` is true while it waits; whoever makes it true calls `stir`.
        """
        return self._holding(1, min(room, self._room), unless or _wanted)

    def stir(self) -> None:
        """Let those who wait see whether they still want to. Never waits."""
        with self._changed:
            self._changed.notify_all()

    def __enter__(self) -> None:
        self._take(1, 0, _wanted)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._give(1, 0)

    @contextmanager
    def _holding(self, places: int, room: int, unless: Callable[[], bool]) -> Iterator[Turn]:
        self._take(places, room, unless)
        turn = Turn(room, self._take_room)
        try:
            yield turn
        finally:
            self._give(places, turn.room)

    def _take(self, places: int, room: int, unless: Callable[[], bool]) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not self._next(ticket, places, room):
                    if unless():
                        raise Withdrawn
                    self._changed.wait()
                self._taken += places
                self._used += room
            finally:  # also when an interrupt ends the waiting: nobody waits behind one who is not there
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _next(self, ticket: object, places: int, room: int) -> bool:
        return (
            self._waiting[0] is ticket
            and self._taken + places <= self._places
            and self._used + room <= self._room
        )

    def _take_room(self, room: int) -> bool:
        with self._changed:
            fits = self._used + room <= self._room
            if fits:
                self._used += room
            return fits

    def _give(self, places: int, room: int) -> None:
        with self._changed:
            self._taken -= places
            self._used -= room
            self._changed.notify_all()


def _wanted() -> bool:
    return False
