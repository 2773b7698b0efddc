"""A training that is told to end keeps what it has done, for the try that comes after it.

Between two steps it looks whether it was told; then transformers writes its checkpoint (adapter, optimiser,
schedule, random state, history), and a rename makes it count. Killed before that, there is none, and the next
try begins at the first step: either way the finished adapter is the one of an undisturbed training.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from transformers import TrainerCallback

from adapters.durable import publish_directory, remove_directory


@contextmanager
def told_to_end(*, listen: bool) -> Iterator[Event]:
    """Set by SIGTERM, which ends this process as ever when nobody listens. For a process's main thread."""
    told = Event()
    if not listen:
        yield told
        return
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)


class StopsWhenTold(TrainerCallback):
    """After the step that runs, but for the last one: what is finished is finished."""

    def __init__(self, told: Event) -> None:
        self._told = told

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._told.is_set() and state.global_step < state.max_steps:
            control.should_save = control.should_training_stop = True


def keep(scratch: Path, checkpoint: Path) -> None:
    """Make the one checkpoint that was written into `scratch` the one to go on from. Same file system."""
    (written,) = scratch.glob("checkpoint-*")
    remove_directory(checkpoint)
    publish_directory(written, checkpoint)
