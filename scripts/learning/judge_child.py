"""`python -m learning.judge_child job.json`: what one revision answers, how far it drifted, what it can do.

Only the parts that the job asks for are measured. Answers are greedy and one at a time, as the gate judges.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters import BARE, Bare, Registry, Revision
from learning.abilities import measured
from learning.asking import prompt_from_json
from learning.prompted import PromptedEngine, PromptedScorer
from learning.several import open_several
from persona.base import Base, load_base
from persona.child import Report, serve_job
from persona.engine.opener import open_base_engine, open_scorer
from persona.engine.own_answers import OWN_ANSWERS_AT_ONCE
from persona.engine.protocol import Sampling
from persona.evaluate.neutral import neutral_answers
from persona.paths import Home
from persona.precedents import Precedent
from persona.serve.preceded import PrecededEngine
from store.json_forms import message_json, preference_from_json


def _work(job: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    base = load_base(Home(Path(job["home"])), job["base"])
    revision: Revision | Bare = BARE
    if job["adapters"] is not None:
        revision = Registry.open(Path(job["adapters"]), create=False).resolve(job["revision"])
    parts = job["parts"]
    found: dict[str, Any] = {}
    if "answers" in parts:
        report("answers", 0, len(job["prompts"]))
        found["answers"] = _answers(base, revision, job)
    if "drift" in parts:
        report("drift", 0, job["neutral"])
        found["drift"] = _drift(base, revision, job["neutral"])
    if "abilities" in parts:
        report("abilities", 0, 1)
        found["abilities"] = _abilities(base, revision, job)
    return found


class _Clock:
    """Seconds since it was made: on the clock, and of all threads of this process."""

    def __init__(self) -> None:
        self._began, self._worked = time.monotonic(), time.process_time()

    def with_value(self, value: Any) -> dict[str, Any]:
        return {
            "value": value,
            "seconds": time.monotonic() - self._began,
            "cpu_seconds": time.process_time() - self._worked,
        }


def _answers(base: Base, revision: Revision | Bare, job: Mapping[str, Any]) -> dict[str, Any]:
    clock = _Clock()
    known = [Precedent.from_json(plain) for plain in job["precedents"]]
    several = open_several(base, revision)
    engine = PrecededEngine(several, known)
    try:
        prompts = [prompt_from_json(plain) for plain in job["prompts"]]
        done = engine.complete(prompts, Sampling(max_tokens=job["tokens"]))
    finally:
        several.close()
    answers = [
        {"text": each.text, "message": message_json(each.message), "finish": each.finish_reason}
        for each in done
    ]
    return clock.with_value(answers)


def _drift(base: Base, revision: Revision | Bare, count: int) -> dict[str, Any]:
    neutral = neutral_answers(
        base, count, lambda: open_base_engine(base, parallel=OWN_ANSWERS_AT_ONCE), lambda _done, _total: None
    )
    clock = _Clock()
    scorer = open_scorer(base, revision)
    try:
        each = scorer.divergence([prompt for prompt, _ in neutral], [message for _, message in neutral])
    finally:
        scorer.close()
    return clock.with_value(sum(each) / len(each))


def _abilities(base: Base, revision: Revision | Bare, job: Mapping[str, Any]) -> dict[str, Any]:
    clock = _Clock()
    said = tuple(preference_from_json(plain) for plain in job["said"])
    engine = PromptedEngine(engine=open_several(base, revision), said=said)
    try:
        scorer = PromptedScorer(scorer=open_scorer(base, revision), said=said)
        try:
            found = measured(engine, scorer, job["items"])
        finally:
            scorer.close()
    finally:
        engine.close()
    return clock.with_value({part: asdict(rate) for part, rate in found.items()})


if __name__ == "__main__":
    sys.exit(serve_job(_work))
