"""Work in a child is tried again when memory ran out, in smaller portions, and when it made room for you.

The portions shrink and the work stays: a step sees the same rows, so the recipe keeps its meaning.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from persona.child import Budget, Pause
from persona.errors import OutOfMemory, Yielded

MOST_TRIES = 3
_POLL_SECONDS = 1.0

Done = TypeVar("Done", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried(Generic[Done]):
    """`tries` is 1 for work that fitted at once; `restarts` counts the times it made room and came back.
    `lost_seconds` were spent before the try that came through, waiting included; what a training had done by
    then is not lost with them."""

    value: Done
    tries: int
    restarts: int
    lost_seconds: float


def tried(
    attempt: Callable[[int, Budget], Done],
    *,
    budget: Budget,
    pause: Pause | None = None,
    cancel: threading.Event | None = None,
    on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Tried[Done]:
    """`attempt(halvings, budget)` in a fresh process each time, until it ends well.

    Raises OutOfMemory after the third time that memory ran out, Yielded when the budget's total time is over
    before the work was, KeyboardInterrupt when cancelled while it waits, and whatever else `attempt` raises.
    """
    began = clock()
    short, restarts = 0, 0
    while True:
        start = clock()
        try:
            value = attempt(short, _what_is_left(budget, start - began))
        except OutOfMemory as error:
            short += 1
            if short == MOST_TRIES:
                raise error.after(short) from error
            on_progress({"step": f"memory ran out: trying again in portions of 1/{2**short}", "done": 0})
        except Yielded:
            restarts += 1
            on_progress({"step": "made room for you: going on when the machine is idle", "done": 0})
            _wait_for_quiet(pause, cancel, sleep, late=lambda: _is_over(budget, clock() - began))
        else:
            return Tried(value=value, tries=short + 1, restarts=restarts, lost_seconds=start - began)


def _what_is_left(budget: Budget, spent: float) -> Budget:
    if budget.total_seconds is None:
        return budget
    return replace(budget, total_seconds=max(0.0, budget.total_seconds - spent))


def _is_over(budget: Budget, spent: float) -> bool:
    return budget.total_seconds is not None and spent >= budget.total_seconds


def _wait_for_quiet(
    pause: Pause | None,
    cancel: threading.Event | None,
    sleep: Callable[[float], None],
    *,
    late: Callable[[], bool],
) -> None:
    """Until nobody wants the machine. Raises Yielded when it is too late by then."""
    while pause is not None and pause.wanted():
        if cancel is not None and cancel.is_set():
            raise KeyboardInterrupt
        if late():
            raise Yielded("the night")
        sleep(_POLL_SECONDS)
