"""What an engine is made to answer in these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from persona.engine.protocol import Completion, FinishReason
from persona.evaluate.job import EvaluationJob
from store.records import Message


def completion(said: str | Message, reason: FinishReason = "stop") -> Completion:
    message = said if isinstance(said, Message) else Message(role="assistant", content=said)
    return Completion(
        text=message.content,
        message=message,
        finish_reason=reason,
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.1,
    )


def small_job(folder: Path, **more: Any) -> EvaluationJob:
    """One that asks nothing but what `more` says."""
    asked = {"probes": (), "pairs": (), "checkers": {}, **more}
    return EvaluationJob(home=folder, base="b", adapters=folder, candidate="c", champion="r0", **asked)
