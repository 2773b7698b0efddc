"""Several forward or backward passes side by side, each on its share of the cores.

The operations of a small base are too short to be divided: two threads in one pass spend their time waiting
for each other at the end of every operation. Two passes with one thread each are twice as fast on a quiet
machine, and five times on a busy one, where a thread that waits may wait for one that is not running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

import torch

from persona.engine.cores import own_cores

_MOST = 4  # passes at once: each holds its own activations

Item = TypeVar("Item")
Done = TypeVar("Done")


class Workers:
    """A pool of threads for torch on a CPU; on another device everything runs in the caller's thread.

    `threads` is the number of cores to use, 0 means all of one's own.
    """

    def __init__(self, *, device: str, threads: int = 0) -> None:
        cores = threads or own_cores()
        self.count = min(cores, _MOST) if device == "cpu" else 1
        self._each = max(1, cores // self.count)
        self._before = torch.get_num_threads()
        self._pool: ThreadPoolExecutor | None = None
        if self.count > 1:
            self._pool = ThreadPoolExecutor(self.count, "persona-torch", self._settle)
            self._settle()  # what is computed beside the pool would otherwise take its cores

    def _settle(self) -> None:
        torch.set_num_threads(self._each)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent; the threads end and torch has its cores back."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
            torch.set_num_threads(self._before)

    def map(self, work: Callable[[Item], Done], items: Iterable[Item]) -> list[Done]:
        """`work` of each item, in their order; the first error is raised.

        Modes of torch that hold for one thread (inference_mode, autocast) have to be entered in `work`.
        """
        return list(self.each(work, items))

    def each(self, work: Callable[[Item], Done], items: Iterable[Item]) -> Iterator[Done]:
        """As `map`, but each is handed out as soon as it and those before it are there, and not kept."""
        return map(work, items) if self._pool is None else self._pool.map(work, items)
