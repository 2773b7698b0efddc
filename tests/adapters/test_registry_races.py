"""Several processes at once: one winner per promotion, one number per revision, no half-read state."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_parts import fast_directory
from registry_parts import build, fill, publish

from adapters import Registry
from adapters.errors import ChampionMoved, Locked
from adapters.lock import exclusive

PROCESSES = 4
ROUNDS = 25
_fork = multiprocessing.get_context("fork")


def _in_processes(work: Callable[..., object], *arguments: Any) -> list[Any]:
    """What each of PROCESSES children puts on the queue: work(index, queue, *arguments)."""
    queue: Any = _fork.SimpleQueue()
    children = [_fork.Process(target=work, args=(index, queue, *arguments)) for index in range(PROCESSES)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [0] * PROCESSES == [child.exitcode for child in children]
    return [queue.get() for _ in children]


def _race(index: int, queue: Any, root: Path, ids: list[list[str]], barrier: Any) -> None:
    registry = Registry.open(root, create=False)
    wins = []
    for number in range(ROUNDS):
        barrier.wait()
        champion = registry.champion()
        barrier.wait()  # everybody has judged against the same champion
        mine = next(revision for revision in ids[index] if revision != champion)
        try:
            wins.append(registry.promote(mine, expected=champion, reason=f"round {number}").number)
        except ChampionMoved:
            continue
    queue.put(wins)


def test_each_round_of_a_promotion_race_has_exactly_one_winner() -> None:
    """Four processes judge against the same champion and promote at once, round after round."""
    with fast_directory() as root:
        registry = Registry.open(root / "adapters")
        ids = [[publish(registry, seed=2 * index + n).id for n in (0, 1)] for index in range(PROCESSES)]
        wins = _in_processes(_race, registry.root, ids, _fork.Barrier(PROCESSES))
        assert list(range(1, ROUNDS + 1)) == sorted(number for own in wins for number in own)
        operations = registry.operations()
        assert [f"round {n}" for n in range(ROUNDS)] == [operation.reason for operation in operations]
        assert [operation.revision for operation in operations[:-1]] == [
            operation.champion_before for operation in operations[1:]
        ]
        assert [] == registry.verify()


def _publish_many(index: int, queue: Any, root: Path) -> None:
    registry = Registry.open(root)  # all of them may be the one that makes it
    numbers = []
    for n in range(5):
        staged = fill(registry.stage(f"run-{index}-{n}"), seed=index)
        numbers.append(registry.publish(staged, build(seed=index)).number)
        registry.reject(registry.revisions()[0].id, "") if index == 0 and n == 0 else None
        assert numbers[-1] in [revision.number for revision in registry.revisions()]
        registry.champion()
    queue.put(numbers)


def test_publishing_at_once_gives_every_revision_a_number_of_its_own() -> None:
    """Four processes create the registry and publish together; readers in between see nothing half done."""
    with fast_directory() as root:
        numbers = _in_processes(_publish_many, root / "adapters")
        assert list(range(1, 5 * PROCESSES + 1)) == sorted(number for own in numbers for number in own)
        assert [] == Registry.open(root / "adapters", create=False).verify()


def test_threads_exclude_each_other_too(registry: Registry) -> None:
    """One Registry shared by threads loses no operation."""
    ids = [publish(registry, seed=seed).id for seed in range(8)]
    threads = [threading.Thread(target=registry.reject, args=(revision, "")) for revision in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(1, 9)) == [operation.number for operation in registry.operations()]
    assert [] == registry.verify()


def test_a_lock_that_is_never_released_is_an_error(registry: Registry) -> None:
    """Whoever waits for a stuck process is told which file it holds."""
    lock = registry.root / "lock"
    with (
        exclusive(lock),
        pytest.raises(Locked, match="held by another process"),
        exclusive(lock, patience=0.02),
    ):
        raise AssertionError("two held the lock")


def test_a_killed_holder_releases_the_lock(registry: Registry) -> None:
    """After kill -9 nobody has to unlock anything by hand."""
    lock = registry.root / "lock"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with exclusive(lock):
            os.write(writing, b"held")
            time.sleep(60)
        os._exit(1)
    os.read(reading, 4)
    os.close(reading)
    os.close(writing)
    with pytest.raises(Locked), exclusive(lock, patience=0):
        raise AssertionError("two held the lock")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with exclusive(lock, patience=1.0):
        pass
