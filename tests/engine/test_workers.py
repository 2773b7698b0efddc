"""Passes side by side: the same results in the same order, whatever the number of workers."""

from __future__ import annotations

import threading

import pytest
import torch

from persona.engine.workers import Workers


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    """However many there are at once."""
    with Workers(device="cpu", threads=threads) as workers:
        assert min(threads, workers.count) == workers.count
        assert [n * n for n in range(20)] == workers.map(lambda n: n * n, range(20))


@pytest.mark.parametrize("threads", [1, 2])
def test_results_are_handed_out_as_they_come(threads: int) -> None:
    """The first is there before the last is begun: not all of them have to be held at once."""
    last = threading.Event()
    with Workers(device="cpu", threads=threads) as workers:
        found = workers.each(lambda n: n if n < threads else last.wait(timeout=10), range(threads + 1))
        assert list(range(threads)) == [next(found) for _ in range(threads)]
        last.set()
        assert [True] == list(found)


def test_each_pass_computes_with_its_share_of_the_cores() -> None:
    """And so does what is computed beside them; afterwards torch has its cores back."""
    before = torch.get_num_threads()
    with Workers(device="cpu", threads=2) as workers:
        meet = threading.Barrier(2, timeout=10)
        seen = workers.map(lambda _: (meet.wait(), torch.get_num_threads())[1], range(2))
        assert [1, 1] == seen
        assert torch.get_num_threads() == 1
    assert before == torch.get_num_threads()


def test_the_first_error_is_raised() -> None:
    """A pass that fails fails the whole."""
    with (
        Workers(device="cpu", threads=2) as workers,
        pytest.raises(ZeroDivisionError),
    ):
        workers.map(lambda n: 1 // n, [1, 0, 2])


def test_another_device_computes_in_the_callers_thread() -> None:
    """A GPU has its own way to be busy."""
    with Workers(device="cuda", threads=4) as workers:
        assert 1 == workers.count
        assert [threading.get_ident()] == workers.map(lambda _: threading.get_ident(), [0])
