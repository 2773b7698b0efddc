"""The parent's side of a training: a job in, an outcome out, everything heavy in another process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona.child import Budget, Pause, Usage, run_child
from persona.train.job import TrainingJob, TrainingOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """`usage` is of the whole process, its start included."""

    outcome: TrainingOutcome
    usage: Usage


def train(
    job: TrainingJob,
    *,
    folder: Path,
    budget: Budget,
    on_progress: Callable[[Mapping[str, Any]], None],
    cancel: threading.Event | None = None,
    pause: Pause | None = None,
) -> Trained:
    """Runs the trainer to its end; `folder` keeps its job, log and result.

    Raises what the trainer raised (TrainingError and its children, BaseMismatch), ChildFailed when it ended
    without a word, KeyboardInterrupt when it was cancelled. Then nothing in `job.out` means anything.
    """
    done = run_child(
        "persona.train",
        job.to_json(),
        folder=folder,
        stage="train",
        budget=budget,
        on_progress=on_progress,
        cancel=cancel,
        pause=pause,
    )
    return Trained(outcome=TrainingOutcome.from_json(done.result), usage=done.usage)
