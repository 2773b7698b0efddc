"""The parent's side of an evaluation: a job in, a report out, engines and torch in another process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona.child import Budget, Pause, Usage, run_child
from persona.evaluate.job import EvaluationJob
from persona.report import EvalReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """`usage` is of the whole process, its start included."""

    report: EvalReport
    usage: Usage


def evaluate(
    job: EvaluationJob,
    *,
    folder: Path,
    budget: Budget,
    on_progress: Callable[[Mapping[str, Any]], None],
    cancel: threading.Event | None = None,
    pause: Pause | None = None,
) -> Evaluated:
    """Runs the evaluation to its end; `folder` keeps its job, log and result.

    Raises what it raised (BaseMismatch, Damaged, EngineError), ChildFailed when it ended without a word,
    KeyboardInterrupt when it was cancelled. There is no partial report.
    """
    done = run_child(
        "persona.evaluate",
        job.to_json(),
        folder=folder,
        stage="evaluate",
        budget=budget,
        on_progress=on_progress,
        cancel=cancel,
        pause=pause,
    )
    return Evaluated(report=EvalReport.from_json(done.result), usage=done.usage)
