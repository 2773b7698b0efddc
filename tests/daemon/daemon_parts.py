"""A home with revisions in it and engines that answer from a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from adapters import Bare, BaseRef, Build, Registry, Revision
from persona.base import Base
from persona.bootstrap import Persona
from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Completion, Prompt
from persona.paths import Home
from persona.serve.desk import Turn
from store.records import Message

AT = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)


def publish(registry: Registry, number: int) -> Revision:
    """Revision r<number>: the files of an adapter with one small matrix."""
    staged = registry.stage(f"run-{number}")
    (staged / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 1, "lora_alpha": 2}))
    prefix = "base_model.model.model.layers.0.self_attn.q_proj"
    save_file(
        {
            f"{prefix}.lora_A.weight": np.full((1, 4), number, dtype=np.float32),
            f"{prefix}.lora_B.weight": np.full((4, 1), number, dtype=np.float32),
        },
        staged / "adapter_model.safetensors",
    )
    base = BaseRef(
        name="tiny", fingerprint="b", weights="w", tokenizer="t", template="c", quantisation="none"
    )
    build = Build(
        identity="me",
        parent="r0",
        base=base,
        snapshot="d-none",
        recipe={"rank": 1},
        seed=number,
        versions={},
        created_at=AT,
    )
    return registry.publish(staged, build)


@dataclass
class Stage:
    """Opens scripted engines and remembers them. An id in `broken` cannot be loaded, with that error."""

    reply: Callable[[str, Prompt], str] = lambda revision, _: f"answered by {revision}"
    seconds_a_word: float = 0.0
    seconds_to_load: float = 0.0
    broken: dict[str, Exception] = field(default_factory=dict)
    opened: list[Played] = field(default_factory=list)

    def open(self, revision: Revision | Bare) -> Played:
        time.sleep(self.seconds_to_load)
        if revision.id in self.broken:
            raise self.broken[revision.id]
        engine = Played(self, revision.id)
        self.opened.append(engine)
        return engine

    @property
    def loaded(self) -> list[str]:
        return [engine.revision for engine in self.opened if not engine.closed]

    @property
    def revisions(self) -> list[str]:
        """Everything that was ever loaded, in order."""
        return [engine.revision for engine in self.opened]


class Played(ScriptedEngine):
    def __init__(self, stage: Stage, revision: str) -> None:
        super().__init__(
            lambda prompt: stage.reply(revision, prompt),
            revision=revision,
            seconds_a_word=stage.seconds_a_word,
        )

    @property
    def closed(self) -> bool:
        return self._closed.is_set()


TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"


def small_base(folder: Path) -> Base:
    """A Base without weights: enough for what never loads it."""
    from persona.base.record import FingerprintParts

    folder.mkdir(parents=True, exist_ok=True)
    return Base(
        name="tiny",
        path=folder,
        spec="tiny",
        architecture="llama",
        weights=folder,
        gguf=None,
        template_source=TEMPLATE,
        eos="<|end|>",
        context_length=512,
        parts=FingerprintParts(weights="w", gguf=None, tokenizer="t", template="c", quantisation="none"),
    )


@dataclass
class House:
    """One home. `persona()` is what a command would open, with the stage's engines and the `night` that is
    given, if one is."""

    root: Path
    stage: Stage = field(default_factory=Stage)
    environ: Mapping[str, str] = field(default_factory=dict)
    night: Callable[..., Any] | None = None

    def persona(self, identity: str = "me") -> Persona:
        environ = {**self.environ, "PERSONA_IDENTITY__NAME": identity}
        persona = Persona(
            home=Home(self.root), environ=environ, engine_opener=lambda _, revision: self.stage.open(revision)
        )
        persona.__dict__["base"] = small_base(self.root / "bases" / "tiny")
        if self.night is not None:
            persona.__dict__["night"] = self.night
        return persona

    def create(self, identity: str = "me") -> None:
        with self.persona(identity) as persona:
            persona.create()

    def registry(self, identity: str = "me") -> Registry:
        return Registry.open(Home(self.root).identity(identity).adapters)


def asked(text: str, *before: Message) -> Prompt:
    return Prompt(messages=(*before, Message(role="user", content=text)))


def said(text: str) -> Message:
    return Message(role="assistant", content=text)


def turn(prompt: Prompt, answer: str, *, source: str = "llm", **more: Any) -> Turn:
    completion = Completion(
        text=answer,
        message=said(answer),
        finish_reason="stop",
        prompt_tokens=1,
        completion_tokens=1,
        seconds=0.0,
    )
    return Turn(prompt=prompt, completion=completion, source=source, **{"revision": "r0", **more})


def eventually(true: Callable[[], bool], *, within: float = 5.0) -> bool:
    """Whether `true` comes to be true in time."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run all at once; their results in order. What one raises leaves here."""
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []

    def run(place: int) -> None:
        try:
            results[place] = tasks[place]()
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
