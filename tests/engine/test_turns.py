"""Places and room, given in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from typing import Any

import pytest

from persona.engine.turns import Turns, Withdrawn


class Line:
    """Threads that hold something until they are told to leave."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside: list[str] = []
        self.withdrawn: list[str] = []
        self._leave: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def enter(self, name: str, hold: Callable[[], AbstractContextManager[Any]]) -> None:
        self._leave[name] = threading.Event()

        def stay() -> None:
            try:
                with hold():
                    self.inside.append(name)
                    assert self._leave[name].wait(5)
                    self.inside.remove(name)
            except Withdrawn:
                self.withdrawn.append(name)

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


def test_who_gives_up_leaves_the_line_at_once(line_of) -> None:
    """From its front, its middle and its end; nobody else moves, and the order of the others stays."""
    turns = Turns(1, room=10)
    line = line_of(turns)
    gone: set[str] = set()
    for name in "abcdef":
        line.enter(name, lambda name=name: turns.using(10, unless=lambda: name in gone))
    gone.update("bdf")
    turns.stir()

    _until(lambda: ["b", "d", "f"] == sorted(line.withdrawn))
    assert ["a"] == line.inside
    assert 2 == len(turns._waiting)
    line.leave("a", then=["c"])
    line.leave("c", then=["e"])


def test_who_gives_up_lets_those_behind_in(line_of) -> None:
    """Whoever waited for more room than there was kept out those who need less; no longer."""
    turns = Turns(3, room=10)
    line = line_of(turns)
    gone: set[str] = set()
    line.enter("a", lambda: turns.using(6))
    line.enter("large", lambda: turns.using(5, unless=lambda: "large" in gone))
    for name in "bc":
        line.enter(name, lambda: turns.using(2))
    waited = list(line.inside)
    gone.add("large")
    turns.stir()

    _until(lambda: ["a", "b", "c"] == sorted(line.inside))
    assert ["a"] == waited


def test_who_has_given_up_before_it_waits(line_of) -> None:
    """Never waits, and never holds up anybody."""
    turns = Turns(1)
    line = line_of(turns)
    line.enter("a", lambda: turns.using(0))
    with pytest.raises(Withdrawn), turns.using(0, unless=lambda: True):
        pass

    assert not turns._waiting


def test_a_turn_grows_while_there_is_room(line_of) -> None:
    """Never beyond it, and all of it is given back."""
    turns = Turns(2, room=10)
    line = line_of(turns)
    line.enter("other", lambda: turns.using(3))
    with turns.using(4) as turn:
        grown = [turn.grow(2), turn.grow(2), turn.grow(1), turn.grow(1)]
        line.leave("other", then=[])
        _until(lambda: turn.grow(3))
        line.enter("next", lambda: turns.using(1))
        assert [] == line.inside

    assert [True, False, True, False] == grown
    _until(lambda: ["next"] == line.inside)
    line.leave("next", then=[])
    with turns.using(10):
        pass


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_that_comes_and_goes(seed: int) -> None:
    """Many threads enter, grow, give up and leave at any moment: never too many, and all come to an end."""
    turns = Turns(3, room=20)
    counting = threading.Lock()
    held, most, ends = [0, 0], [0, 0], []

    def count(places: int, room: int) -> None:
        with counting:
            held[0] += places
            held[1] += room
            most[:] = map(max, most, held)

    def live(number: int) -> None:
        random, gone = Random(f"{seed} {number}"), threading.Event()

        def give_up() -> None:
            gone.set()
            turns.stir()

        for _ in range(20):
            gone.clear()
            leaving = threading.Timer(random.random() / 500, give_up)
            if random.random() < 0.5:
                leaving.start()
            try:
                with turns.using(random.randint(0, 12), unless=gone.is_set) as turn:
                    count(1, before := turn.room)
                    while random.random() < 0.5 and turn.grow(2):
                        count(0, 2)
                    time.sleep(random.random() / 1000)
                    count(-1, -turn.room)
                    assert before <= turn.room
                ends.append("held")
            except Withdrawn:
                ends.append("gone")
            leaving.cancel()

    threads = [threading.Thread(target=live, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert 240 == len(ends)
    assert {"held", "gone"} == set(ends)
    assert most[0] <= 3
    assert most[1] <= 20
    assert (0, 0, 0) == (turns._taken, turns._used, len(turns._waiting))
