"""Places and room, given in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from persona.engine.turns import Turns


class Line:
    """Threads that hold something until they are told to leave."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside: list[str] = []
        self._leave: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def enter(self, name: str, hold: Callable[[], AbstractContextManager[None]]) -> None:
        self._leave[name] = threading.Event()

        def stay() -> None:
            with hold():
                self.inside.append(name)
                assert self._leave[name].wait(5)
                self.inside.remove(name)

        waiting = len(self.turns._waiting)
        self._threads.append(threading.Thread(target=stay))
        self._threads[-1].start()
        _until(lambda: name in self.inside or len(self.turns._waiting) > waiting)

    def leave(self, name: str, then: list[str]) -> None:
        """`then` is who is inside soon afterwards."""
        self._leave[name].set()
        _until(lambda: sorted(self.inside) == then)

    def end(self) -> None:
        for event in self._leave.values():
            event.set()
        for thread in self._threads:
            thread.join(5)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def line_of():
    lines: list[Line] = []

    def make(turns: Turns) -> Line:
        lines.append(Line(turns))
        return lines[-1]

    yield make
    for line in lines:
        line.end()


def test_as_many_as_there_are_places(line_of) -> None:
    """The first ones enter at once, the others in the order in which they came."""
    turns = Turns(2)
    line = line_of(turns)
    for name in "abcd":
        line.enter(name, lambda: turns.using(0))

    assert ["a", "b"] == sorted(line.inside)
    line.leave("b", then=["a", "c"])


def test_room_is_shared(line_of) -> None:
    """Who needs more room than is left waits, and nobody overtakes."""
    turns = Turns(3, room=10)
    line = line_of(turns)
    for name, room in (("a", 6), ("b", 5), ("c", 1)):
        line.enter(name, lambda room=room: turns.using(room))

    assert ["a"] == line.inside
    line.leave("a", then=["b", "c"])


def test_who_needs_more_than_there_is_gets_all(line_of) -> None:
    """Nobody waits for room that will never be there."""
    turns = Turns(2, room=10)
    line = line_of(turns)
    line.enter("a", lambda: turns.using(100))
    line.enter("b", lambda: turns.using(1))

    assert ["a"] == line.inside
    line.leave("a", then=["b"])


def test_alone(line_of) -> None:
    """Who wants to be alone waits for all, and keeps out all."""
    turns = Turns(2, room=10)
    line = line_of(turns)
    line.enter("a", lambda: turns.using(1))
    line.enter("alone", turns.alone)
    line.enter("b", lambda: turns.using(1))

    assert ["a"] == line.inside
    line.leave("a", then=["alone"])
    line.leave("alone", then=["b"])
