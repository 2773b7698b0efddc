"""The night of a person who only chats: pairs and no preference, and yet the gate can tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from night_parts import NOON, Place

from persona.child import Usage
from persona.engine.protocol import Completion, Prompt
from persona.evaluate import Evaluated, EvaluationJob
from persona.evaluate.run import measure
from persona.report import Rate
from store.conversation import Conversation, Turn
from store.records import Message, RunState


def chats(place: Place, count: int, amiss: str = "Too long. Shorter please.") -> None:
    """Conversations in which something is amiss with the first answer, and the second is welcome."""
    for number in range(count):
        spoken = (
            f"What is number {number} of the list?",
            "It is a kind of boat. It has one mast and two sails. Many are found along the coast.",
            amiss,
            f"A boat with {number} masts.",
            "Thanks, perfect.",
        )
        turns = tuple(
            Turn(message=Message(role=("user", "assistant")[turn % 2], content=content))
            for turn, content in enumerate(spoken)
        )
        talk = Conversation(id=f"c-{number}", at=NOON + timedelta(minutes=number), source="test", turns=turns)
        place.store.interactions.add_conversation(talk)


class Scored:
    """What a scorer would say of one arm."""

    def __init__(self, pairs: Rate) -> None:
        self.pairs, self.drift = pairs, 0.01


@pytest.fixture
def measured(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The evaluation as it is, but for its models: the candidate prefers every chosen side."""

    def answers(
        _job: EvaluationJob, _base: Any, _registry: Any, arm: str, prompts: Sequence[Prompt], _report: Any
    ) -> list[Completion]:
        text = "A long story." if arm == "r0" else "Short."
        answer = Message(role="assistant", content=text)
        return [
            Completion(
                text=text,
                message=answer,
                finish_reason="stop",
                prompt_tokens=1,
                completion_tokens=1,
                seconds=0.0,
            )
            for _ in prompts
        ]

    def scores(
        job: EvaluationJob, _base: Any, _registry: Any, arms: Sequence[str], _report: Any
    ) -> dict[str, Scored]:
        asked = len(job.pairs)
        return {arm: Scored(Rate(passed=0 if arm == "r0" else asked, asked=asked)) for arm in arms}

    def evaluate(job: EvaluationJob, **_: Any) -> Evaluated:
        place.stages.judged.append(job)
        report = measure(EvaluationJob.from_json(job.to_json()), lambda *_: None)
        return Evaluated(report=report, usage=Usage(seconds=1.0, peak_bytes=1))

    monkeypatch.setattr("persona.nightly.judging.evaluate", evaluate)
    monkeypatch.setattr("persona.evaluate.run.load_base", lambda *_: place.base)
    monkeypatch.setattr("persona.evaluate.run.engine_kind", lambda *_: "scripted")
    monkeypatch.setattr("persona.evaluate.run.fitting", lambda job, _base: (job, 0))
    monkeypatch.setattr("persona.evaluate.run._answers", answers)
    monkeypatch.setattr("persona.evaluate.run._score", scores)
    return place


def test_a_night_with_pairs_and_no_preference_can_be_promoted(measured: Place) -> None:
    """The form of the answers is measured on plain prompts, and the pairs say that it is better."""
    chats(measured, 16, "Too formal. Less formal please.")  # no checker could tell
    result = measured.night()
    (job,) = measured.stages.judged
    assert [] == measured.store.ledger.all()
    assert {((), ())} == {(probe.preferences, probe.wanted) for probe in job.probes}
    assert result.report is not None
    assert result.report.candidate.form is not None
    assert ({}, {}) == (result.report.candidate.adoption, result.report.candidate.residue)
    assert (RunState.PROMOTED, "r1") == (result.outcome, result.revision)
    assert any("preference accuracy from 0 % to 100 %" in one for one in result.reasons)


def test_plain_prompts_count_for_the_form_alone(measured: Place) -> None:
    """Beside a preference that speaks about other prompts, they add nothing to adoption or residue."""
    chats(measured, 5)
    measured.night()
    (job,) = measured.stages.judged
    superseded = {"old": {"kind": "closing", "text": "story."}}
    checkers = {"p": {"kind": "opening", "text": "Short"}}
    told = EvaluationJob.from_json({**job.to_json(), "superseded": superseded, "checkers": checkers})
    report = measure(told, lambda *_: None)
    assert {} == report.base.adoption
    assert {"old": Rate(passed=0, asked=0)} == report.base.residue
    assert Rate(passed=0, asked=0) == report.base.calls_exact
    assert report.base.form is not None
