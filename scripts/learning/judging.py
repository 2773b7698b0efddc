"""The parent's side of measuring a morning: what is known is looked up, the rest is left to a child."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from learning.asking import Asking, prompt_json
from learning.kept import Kept
from learning.mornings import Morning
from persona.base import Base
from persona.bridge import bridged
from persona.child import Budget, run_child
from persona.engine.protocol import Completion, FinishReason, Prompt
from persona.evaluate.form import form_of
from persona.paths import Home
from persona.report import Rate
from store.json_forms import message_from_json, preference_json
from store.records import Message

_LONGEST = 4 * 3600.0  # seconds
_FINISHED: Mapping[str, FinishReason] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """`seconds` are those that each part took when it was measured, `cpu_seconds` of all parts together."""

    answers: tuple[Message, ...]
    form: Mapping[str, float]
    drift: float | None
    abilities: Mapping[str, Rate]
    seconds: Mapping[str, float]
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Measures revisions of one base. `code` is part of what decides a measurement; "" leaves it out."""

    home: Home
    base: Base
    kept: Kept
    asking: Asking
    code: str

    def judge(self, morning: Morning, prompts: Sequence[Prompt]) -> Judged:
        """Drift is that of the weights; the statements of a morning go into every prompt besides."""
        parts = self._parts(morning, [prompt_json(bridged(prompt, morning.said)) for prompt in prompts])
        found = {name: self.kept.get(decided_by) for name, decided_by in parts.items()}
        missing = [name for name, document in found.items() if document is None]
        if missing:
            made = self._measured(morning, parts, missing)
            for name in missing:
                self.kept.put(parts[name], made[name])
                found[name] = made[name]
        judged = _judged({name: document for name, document in found.items() if document is not None})
        return judged if morning.adapters is not None else replace(judged, drift=0.0)

    def drift(self, morning: Morning) -> float | None:
        """Of the weights alone; None where the asking has no neutral prompts."""
        parts = self._parts(morning, [])
        if "drift" not in parts:
            return None if morning.adapters is not None else 0.0
        found = self.kept.get(parts["drift"])
        if found is None:
            found = self._measured(morning, parts, ["drift"])["drift"]
            self.kept.put(parts["drift"], found)
        return float(found["value"])

    def _parts(self, morning: Morning, prompts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """What decides each part; those that nobody asked for are not there."""
        who = {"base": self.base.fingerprint, "revision": morning.revision, "code": self.code}
        parts: dict[str, dict[str, Any]] = {
            "answers": {**who, "part": "answers", "prompts": prompts, "tokens": self.asking.tokens}
        }
        if morning.precedents:
            parts["answers"]["precedents"] = [each.to_json() for each in morning.precedents]
        if self.asking.neutral and morning.adapters is not None:
            parts["drift"] = {**who, "part": "drift", "neutral": self.asking.neutral}
        if self.asking.items != 0:
            statements = [[each.statement, each.scope] for each in morning.said]
            parts["abilities"] = {
                **who, "part": "abilities", "items": self.asking.items, "said": statements,
            }  # fmt: skip
        return parts

    def _measured(
        self, morning: Morning, parts: Mapping[str, Mapping[str, Any]], missing: Sequence[str]
    ) -> Mapping[str, Any]:
        job = {
            "home": str(self.home.root),
            "base": self.base.name,
            "adapters": None if morning.adapters is None else str(morning.adapters),
            "revision": morning.revision,
            "prompts": parts["answers"]["prompts"],
            "said": [preference_json(each) for each in morning.said],
            "precedents": [each.to_json() for each in morning.precedents],
            "tokens": self.asking.tokens,
            "neutral": self.asking.neutral,
            "items": self.asking.items,
            "parts": list(missing),
        }
        with tempfile.TemporaryDirectory(prefix="persona-judge-") as folder:
            done = run_child(
                "learning.judge_child",
                job,
                folder=Path(folder),
                stage="judge",
                budget=Budget(seconds=_LONGEST),
                on_progress=lambda _: None,
            )
        return done.result


def _judged(found: Mapping[str, Mapping[str, Any]]) -> Judged:
    answers = [_completion(plain) for plain in found["answers"]["value"]]
    form = form_of(answers)
    drift = found.get("drift")
    abilities = found.get("abilities")
    return Judged(
        answers=tuple(each.message for each in answers),
        form={}
        if form is None
        else {
            "words": form.words,
            "truncated": form.truncated,
            "looping": form.looping,
            "empty": form.empty,
        },
        drift=None if drift is None else drift["value"],
        abilities={}
        if abilities is None
        else {part: Rate(**counted) for part, counted in abilities["value"].items()},
        seconds={name: round(document["seconds"], 1) for name, document in found.items()},
        cpu_seconds=round(sum(document["cpu_seconds"] for document in found.values()), 1),
    )


def _completion(plain: Mapping[str, Any]) -> Completion:
    return Completion(
        text=plain["text"],
        message=message_from_json(plain["message"]),
        finish_reason=_FINISHED.get(plain["finish"], "cancelled"),
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
    )
