"""What was acknowledged survives the death of the process that wrote it."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from store_facts import feedback, interaction

from store import Store
from store.records import FeedbackKind

ROUNDS = 40


def write_and_acknowledge(path: Path, round_number: int, pipe: int) -> None:
    """One transaction of two facts after another; each is acknowledged when it has been committed."""
    with Store.open(path) as store:
        number = 0
        while True:
            turn = interaction(f"{round_number}/{number} " + "filler " * (number % 7 * 100))
            with store.transaction():
                store.interactions.add(turn)
                store.feedback.add(feedback(FeedbackKind.UP, interaction=turn.id))
            os.write(pipe, f"{turn.id}\n".encode())
            number += 1


def killed_writer(path: Path, round_number: int, seconds: float) -> list[str]:
    """The ids that a writer acknowledged before it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            write_and_acknowledge(path, round_number, writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as acknowledged:
        return acknowledged.read().split()


def test_nothing_acknowledged_is_lost_to_kill(path: Path) -> None:
    """Forty writers killed at random moments: every acknowledged fact is there, and none by half."""
    Store.open(path).close()
    chance = random.Random(17)
    acknowledged = []
    for number in range(ROUNDS):
        acknowledged += killed_writer(path, number, chance.uniform(0.005, 0.12))
    assert len(acknowledged) > ROUNDS
    with Store.open(path) as store:
        kept = {each.id for each in store.interactions.all()}
        assert set() == set(acknowledged) - kept
        assert len(kept) <= len(acknowledged) + ROUNDS  # at most the one in flight at each kill
        assert kept == {each.interaction for each in store.feedback.all()}
        assert [] == store.verify()


def test_kill_while_creating_leaves_a_store_that_opens(path: Path) -> None:
    """Death at any moment of the first opening does not lock anybody out."""
    path.parent.mkdir()
    for number in range(15):
        file = path.with_name(f"{number}.db")
        child = os.fork()
        if not child:
            try:
                Store.open(file)
            finally:
                os._exit(1)
        time.sleep(number * 0.003)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with Store.open(file) as store:
            assert store.interactions.add(interaction())
            assert [] == store.verify()
