"""Ticks come again and again, whatever happens to one of them or to the clock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from persona.schedule.ticker import Ticker

LONG = timedelta(hours=1)
PATIENCE = 10.0


@pytest.fixture
def ticker() -> Iterator[Ticker]:
    ticker = Ticker()
    yield ticker
    ticker.stop()


class Calls:
    """Counts, and can be waited for."""

    def __init__(self) -> None:
        self.times = threading.Semaphore(0)

    def __call__(self) -> None:
        self.times.release()

    def wait(self) -> bool:
        return self.times.acquire(timeout=PATIENCE)


def test_the_first_tick_is_at_once(ticker: Ticker) -> None:
    """And the next one an interval later."""
    calls = Calls()
    ticker.every(LONG, calls, "tick")
    ticker.start()

    assert calls.wait()
    assert not calls.times.acquire(timeout=0.1)


def test_an_error_is_counted_and_the_next_tick_comes(
    ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with what went wrong."""
    calls = Calls()

    def tick() -> None:
        calls()
        raise OSError("the disk is full")

    with caplog.at_level(logging.ERROR, "persona.schedule"):
        ticker.every(timedelta(milliseconds=20), tick, "tick")
        ticker.start()
        assert calls.wait()
        assert calls.wait()
        assert calls.wait()
        ticker.stop()

    assert ticker.counts["failed"] >= 2
    assert "tick was failed: the disk is full" in caplog.text


def test_a_tick_that_lasts_is_overtaken_not_doubled(ticker: Ticker) -> None:
    """At most one at a time."""
    calls, hold = Calls(), threading.Event()

    def tick() -> None:
        calls()
        hold.wait(PATIENCE)

    ticker.every(timedelta(milliseconds=20), tick, "tick")
    ticker.start()
    assert calls.wait()
    assert not calls.times.acquire(timeout=0.3)
    hold.set()
    assert calls.wait()
    assert ticker.counts["overtaken"] > 0


def test_a_clock_that_was_set_back(ticker: Ticker, caplog: pytest.LogCaptureFixture) -> None:
    """A tick that seems to be a day away comes at once, and the rhythm goes on."""
    calls = Calls()
    ticker.every(timedelta(milliseconds=200), calls, "tick")
    ticker.start()
    assert calls.wait()
    with caplog.at_level(logging.WARNING, "persona.schedule"):
        ticker._scheduler.modify_job("tick", next_run_time=datetime.now(UTC) + timedelta(days=1))
        while calls.times.acquire(blocking=False):
            pass
        assert calls.wait()
        assert calls.wait()
    assert "the clock was set back" in caplog.text


def test_missed_ticks_become_one(ticker: Ticker) -> None:
    """After a night asleep: not one for every five minutes of it, and not none."""
    calls = Calls()
    ticker.every(LONG, calls, "tick")
    job = ticker._scheduler.get_jobs()[0]
    job.modify(next_run_time=datetime.now(UTC) - timedelta(days=3))
    ticker.start()

    assert calls.wait()
    assert not calls.times.acquire(timeout=0.2)
    assert {"failed": 0, "missed": 0, "overtaken": 0} == ticker.counts


def test_stop_again(ticker: Ticker) -> None:
    """Before the start, and twice."""
    ticker.stop()
    ticker.start()
    ticker.stop()
    ticker.stop()
