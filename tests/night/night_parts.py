"""A home for nights whose trainer and evaluation are scripted, with a real store and a real registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from adapters import Registry
from persona.base import Base, FingerprintParts
from persona.child import Budget, Pause, Usage
from persona.errors import OutOfMemory
from persona.evaluate import Evaluated, EvaluationJob
from persona.nightly import Night, NightResult, run_night
from persona.paths import Home, make_private
from persona.promote import GatePolicy
from persona.report import Arm, EvalReport, Form, Rate
from persona.train import Recipe, Trained, TrainingJob, TrainingOutcome
from store import Store
from store.conversation import Act, Conversation, Turn
from store.records import FeedbackKind, Message

NOON = datetime(2026, 11, 9, 12, 0, tzinfo=UTC)
FORM = Form(words=20, truncated=0.0, looping=0.0, empty=0.0)


def base_at(folder: Path) -> Base:
    """A base that nothing loads: the scripted stages need its name and its fingerprint."""
    return Base(
        name="tiny",
        path=folder,
        spec="tiny",
        architecture="llama",
        weights=folder,
        gguf=None,
        template_source="",
        eos="<|im_end|>",
        context_length=512,
        parts=FingerprintParts(
            weights="sha256:1", gguf=None, tokenizer="sha256:2", template="3", quantisation="none"
        ),
    )


def arm(revision: str, share: float) -> Arm:
    def rate(n: int) -> Rate:
        return Rate(passed=round(n * share), asked=n)

    return Arm(
        revision=revision,
        adoption={"p": rate(20)},
        pairs=rate(10),
        calls_valid=rate(10),
        calls_exact=rate(10),
        drift=0.01,
        form=FORM,
    )


@dataclass
class Stages:
    """The scripted children. `before_training` and `before_report` may do anything, raising included."""

    score: float = 1.0
    drifts: list[float] = field(default_factory=list)  # of the candidates, in the order they are judged
    before_training: Callable[[TrainingJob], None] = lambda _: None
    before_report: Callable[[EvaluationJob], None] = lambda _: None
    losses: list[float] = field(default_factory=list)
    fail_after_losses: int = 0
    trained: list[TrainingJob] = field(default_factory=list)
    judged: list[EvaluationJob] = field(default_factory=list)

    def train(self, job: TrainingJob, *, on_progress: Callable[[Any], None], **_: Any) -> Trained:
        self.trained.append(job)
        self.before_training(job)
        for step, loss in enumerate(self.losses, start=1):
            on_progress({"event": "progress", "step": "train", "done": step, "total": 2, "loss": loss})
        if len(self.trained) <= self.fail_after_losses:
            raise OutOfMemory("train", "killed", job.out)
        (job.out / "adapter_config.json").write_text(
            json.dumps({"peft_type": "LORA", "r": 1, "lora_alpha": 2})
        )
        save_file(
            {"a.lora_A.weight": np.full((1, 4), len(job.examples), np.float32)},
            job.out / "adapter_model.safetensors",
        )
        outcome = TrainingOutcome(
            rows=1, pairs=0, practice=0, too_long=(), steps=1, trained_tokens=1, parameters=4, device="cpu",
            dtype="float32", quantisation="none", replay="", losses={}, seconds={}, versions={"torch": "0"},
            scale=0.5, drift=0.03,
        )  # fmt: skip
        return Trained(outcome=outcome, usage=Usage(seconds=1.0, peak_bytes=1, fence="cgroup v2"))

    def evaluate(self, job: EvaluationJob, **_: Any) -> Evaluated:
        self.judged.append(job)
        self.before_report(job)
        drift = self.drifts.pop(0) if self.drifts else 0.01
        report = EvalReport(
            candidate=replace(arm(job.candidate, self.score), drift=drift),
            champion=arm(job.champion, 0.0),
            base=arm("r0", 0.0),
            statements={"p": "Be brief."},
            engine="scripted",
        )
        return Evaluated(report=report, usage=Usage(seconds=1.0, peak_bytes=1))


@dataclass
class Place:
    """One identity, and its nights."""

    home: Home
    store: Store
    registry: Registry
    base: Base
    stages: Stages
    events: list[Mapping[str, Any]] = field(default_factory=list)
    recipe: Recipe = field(default_factory=Recipe)
    budget: Budget = field(default_factory=Budget)
    pause: Pause | None = None

    def night(self) -> NightResult:
        return run_night(
            Night(
                home=self.home,
                identity="me",
                store=self.store,
                registry=self.registry,
                base=self.base,
                recipe=self.recipe,
                policy=GatePolicy(),
                budget=self.budget,
                pause=self.pause,
                on_progress=self.events.append,
            )
        )

    def live(self, conversations: int, *, first: int = 0) -> None:
        """Edited answers, one a conversation."""
        for n in range(first, first + conversations):
            edit = Act(kind=FeedbackKind.EDIT, content=f"Answer {n}, and no more.")
            self.store.interactions.add_conversation(
                Conversation(
                    id=f"c-{n}",
                    at=NOON + timedelta(minutes=n),
                    source="test",
                    turns=(
                        Turn(message=Message(role="user", content=f"Question number {n}?")),
                        Turn(
                            message=Message(role="assistant", content=f"A long story about {n}."),
                            feedback=(edit,),
                        ),
                    ),
                )
            )


def lived(root: Path, patch: Any) -> None:
    """A home at `root` with enough to learn from, and nobody in it."""
    place = make_place(root, patch)
    place.live(12)
    place.store.close()


def make_place(root: Path, monkeypatch: Any) -> Place:
    home = Home(root / "home")
    paths = home.identity("me")
    make_private(paths.folder)
    stages = Stages()
    monkeypatch.setattr("persona.nightly.building.train", stages.train)
    monkeypatch.setattr("persona.nightly.judging.evaluate", stages.evaluate)
    return Place(
        home=home,
        store=Store.open(paths.store),
        registry=Registry.open(paths.adapters),
        base=base_at(root),
        stages=stages,
    )
