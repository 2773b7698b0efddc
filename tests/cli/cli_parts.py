"""A home with a past, and a way to run commands in it as the terminal would."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import save_file

from adapters import Bare, BaseRef, Build, Registry, Revision
from persona.__main__ import main
from persona.bootstrap import EngineOpener, Persona
from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Delta, Prompt, Sampling
from persona.paths import Home
from persona.report import Arm, EvalReport, Form, Rate, Sample
from store import Store
from store.identity import with_id
from store.records import (
    DatasetSnapshot,
    Demonstration,
    Message,
    Preference,
    PreferenceStatus,
    Run,
    RunState,
    ToolCall,
)

AT = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)
FINGERPRINT = "b2-sha256:" + "1" * 64


@dataclass(frozen=True)
class Ran:
    """What a command did, as its caller sees it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def no_engine(persona: Persona, revision: object) -> Any:
    raise AssertionError("this command has no need of an engine")


@dataclass
class Shell:
    """Runs commands in one home, in this process. `known` is what a Persona takes for opened already."""

    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    engine: EngineOpener = no_engine
    known: dict[str, Any] = field(default_factory=dict)

    def persona(self) -> Persona:
        persona = Persona(home=Home(self.root), environ=self.environ, engine_opener=self.engine)
        persona.__dict__.update(self.known)
        return persona

    def run(self, *arguments: str, stdin: Any = "") -> Ran:
        """`stdin` is a text, bytes, or what has `readline` and `isatty`."""
        out, err, before = io.StringIO(), io.StringIO(), sys.stdin
        if isinstance(stdin, bytes):
            stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        sys.stdin = io.StringIO(stdin) if isinstance(stdin, str) else stdin
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(arguments, open_persona=self.persona)
        finally:
            sys.stdin = before
        return Ran(code, out.getvalue(), err.getvalue())

    def store(self) -> Store:
        return Store.open(Home(self.root).identity("me").store)

    def registry(self) -> Registry:
        return Registry.open(Home(self.root).identity("me").adapters)


def write_tiny_gguf(file: Path) -> None:
    """An adapter for llama.cpp with one tensor."""
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 2.0)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.ones((1, 4), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def publish(
    registry: Registry, number: int, *, snapshot: str = "d-none", with_gguf: bool = False
) -> Revision:
    """Revision r<number>: real files of a tiny adapter."""
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
    if with_gguf:
        write_tiny_gguf(staged / "adapter.gguf")
    base = BaseRef(
        name="tiny",
        fingerprint=FINGERPRINT,
        weights="sha256:1",
        tokenizer="sha256:2",
        template="sha256:3",
        quantisation="none",
    )
    build = Build(
        identity="me",
        parent="r0",
        base=base,
        snapshot=snapshot,
        recipe={"rank": 1},
        seed=number,
        versions={"persona": "0.1.0"},
        created_at=AT + timedelta(days=number),
    )
    return registry.publish(staged, build)


def preference(statement: str, *, scope: str = "always", attribute: str = "length") -> Preference:
    return with_id(
        Preference(
            id="",
            statement=statement,
            scope=scope,
            attribute=attribute,
            source="stated",
            first_seen=AT,
            last_seen=AT,
            status=PreferenceStatus.ACTIVE,
        )
    )


def demonstration(conversation: str, question: str) -> Demonstration:
    return with_id(
        Demonstration(
            id="",
            conversation=conversation,
            prompt=(Message(role="user", content=question),),
            completion=Message(role="assistant", content="Short. Cheers, M."),
        )
    )


def snapshot(
    store: Store,
    *,
    train: list[Demonstration],
    held_out: list[Demonstration],
    entries: list[Preference],
    day: int,
) -> DatasetSnapshot:
    frozen = with_id(
        DatasetSnapshot(
            id="",
            at=AT + timedelta(days=day),
            train=tuple(example.id for example in train),
            held_out=tuple(example.id for example in held_out),
            preferences=tuple(entries),
        )
    )
    store.examples.add([*train, *held_out])
    store.snapshots.freeze(frozen)
    return frozen


def report(candidate: str, *, key: str, statement: str, passed: int) -> EvalReport:
    def arm(revision: str, share: int) -> Arm:
        return Arm(
            revision=revision,
            adoption={key: Rate(passed=share, asked=10)},
            pairs=Rate(passed=share, asked=10),
            drift=0.01,
            form=Form(words=40, truncated=0.0, looping=0.0, empty=0.0),
        )

    return EvalReport(
        candidate=arm(candidate, passed),
        champion=arm("r0", 1),
        base=arm("r0", 1),
        statements={key: statement},
        engine="fake",
        samples=(
            Sample(prompt="Why?", base="Because.", champion="Because.", candidate="So. \x1b[31mCheers"),
        ),
    )


@dataclass(frozen=True)
class Past:
    """r1 was rejected, r2 promoted; each has a snapshot, a run and a report."""

    r1: Revision
    r2: Revision
    old: DatasetSnapshot
    new: DatasetSnapshot


def give_a_past(shell: Shell) -> Past:
    shell.persona().create()
    registry = shell.registry()
    short, sign = preference("Answer shortly."), preference("End with Cheers.", attribute="closing")
    habit = preference(
        "Weather in metric units.", scope="tool:get_weather", attribute="tool.get_weather.units"
    )
    examples = [demonstration(f"c-{n}", f"Question {n}?") for n in range(5)]
    with shell.store() as store:
        for entry in (short, sign, habit):
            store.ledger.record(entry, reason="said so")
        old = snapshot(store, train=examples[:2], held_out=examples[4:], entries=[short], day=1)
        new = snapshot(store, train=examples[1:4], held_out=examples[4:], entries=[short, sign], day=2)
        r1 = publish(registry, 1, snapshot=old.id)
        r2 = publish(registry, 2, snapshot=new.id)
        registry.reject(r1.id, "it is no better")
        registry.promote(r2.id, expected="r0", reason="better")
        for run, revision, frozen, state, passed in (
            ("run-1", r1, old, RunState.REJECTED, 1),
            ("run-2", r2, new, RunState.PROMOTED, 9),
        ):
            at = frozen.at + timedelta(hours=5)
            store.runs.start(Run(id=run, started_at=at, state=RunState.STARTED))
            measured = report(revision.id, key=short.id, statement=short.statement, passed=passed)
            store.runs.finish(
                run,
                state=state,
                ended_at=at + timedelta(minutes=7),
                snapshot=frozen.id,
                revision=revision.id,
                reasons=("“Answer shortly.”: so it is",),
                report=measured.to_json(),
                costs={"seconds": 60},
            )
    return Past(r1=r1, r2=r2, old=old, new=new)


@dataclass
class Troupe:
    """Engines that say the next of `lines`, whoever of them is asked: a text, calls, or an error."""

    lines: list[Any] = field(default_factory=list)
    engines: list[Player] = field(default_factory=list)

    def open(self, persona: Persona, revision: Revision | Bare) -> Player:
        self.engines.append(Player(self, revision.id))
        return self.engines[-1]

    @property
    def told(self) -> list[Prompt]:
        """The prompts as the engines got them, with what the user prefers in front."""
        return [prompt for engine in self.engines for prompt, _ in engine.asked]

    @property
    def asked(self) -> list[Prompt]:
        """The prompts without what the bridge put there."""
        return [
            replace(prompt, messages=tuple(said for said in prompt.messages if said.role != "system"))
            for prompt in self.told
        ]

    @property
    def sampled(self) -> list[Sampling]:
        return [sampling for engine in self.engines for _, sampling in engine.asked]

    def next_line(self, prompt: Prompt) -> str:
        line = self.lines.pop(0)
        if isinstance(line, BaseException):
            raise line
        if isinstance(line, ToolCall):
            call = {"name": line.name, "arguments": dict(line.arguments)}
            return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"
        return str(line)


class Player(ScriptedEngine):
    """One of them. In a stream, an error comes after half an answer."""

    def __init__(self, troupe: Troupe, revision: str) -> None:
        super().__init__(troupe.next_line, revision=revision)
        self._troupe = troupe

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        if not isinstance(self._troupe.lines[0], BaseException):
            return super().stream(prompt, sampling)
        return self._break_off(prompt, sampling)

    def _break_off(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        self.asked.append((prompt, sampling))
        yield Delta(text="Half ")
        self._troupe.next_line(prompt)
