"""What happened lately."""

from __future__ import annotations

import threading
import time

from persona.daemon.board import Board


def test_numbers_grow_and_what_is_known_is_not_told_again() -> None:
    """A client that has seen a number gets what came after it, in order."""
    board = Board()
    for number in range(3):
        board.tell("night", {"step": number})

    assert [1, 2, 3] == [happening.number for happening in board.after(0, wait=0)]
    assert [{"step": 2}] == [happening.data for happening in board.after(2, wait=0)]
    assert [] == board.after(3, wait=0)


def test_waiting_ends_with_the_next_one() -> None:
    """Who waits hears of the next happening at once, and of nothing when the time is over."""
    board = Board()
    threading.Timer(0.02, board.tell, ("serving", {})).start()
    began = time.monotonic()

    assert ["serving"] == [happening.kind for happening in board.after(0, wait=5)]
    assert time.monotonic() - began < 4
    assert [] == board.after(1, wait=0.01)


def test_a_number_of_a_daemon_that_is_gone_is_none() -> None:
    """A client that follows the next one from there hears all of it, also what is still to come."""
    board = Board()
    threading.Timer(0.02, board.tell, ("serving", {})).start()

    assert [1] == [happening.number for happening in board.after(57, wait=5)]
    assert [1] == [happening.number for happening in board.after(57, wait=0)]


def test_only_the_newest_are_kept() -> None:
    """A client that was away for long gets what is left, with the numbers that it had."""
    board = Board()
    for _ in range(1000):
        board.tell("night", {})

    found = board.after(0, wait=0)
    assert 1000 == found[-1].number
    assert len(found) < 1000
