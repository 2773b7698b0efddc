"""The home that the pictures show: a person, a few weeks of nights, and engines that speak from a script."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from adapters import BaseRef, Build, Registry, Revision
from persona.paths import Home
from persona.report import Arm, EvalReport, Form, Rate, Sample
from scripts.screens.script import SAID
from scripts.screens.served import persona_of
from store import Store
from store.identity import with_id
from store.records import (
    DatasetSnapshot,
    Demonstration,
    Feedback,
    FeedbackKind,
    Interaction,
    Message,
    Preference,
    PreferenceStatus,
    Run,
    RunState,
    Signal,
)

FIRST = datetime(2026, 11, 2, 20, 15, tzinfo=UTC)
_LEDGER = (
    (
        "Answer in at most three sentences.",
        "always",
        "length.sentences",
        "stated",
        "keep it short, three sentences is plenty",
    ),
    ("Give times in 24-hour form.", "always", "form.clock", "inferred", "18:30, not 6:30 pm please"),
    ("Show code before the explanation.", "kind:code", "order.code", "inferred", "code first, then why"),
    (
        "Weather in metric units.",
        "tool:get_weather",
        "tool.get_weather.units",
        "inferred",
        '{"units": "metric"}',
    ),
)
_NIGHTS = (  # number, accepted, kept preferences of 20, drift, reasons
    (1, True, 9, 0.021, ("preferences are kept on 9 of 20 held-out prompts; the base: 2",)),
    (
        2,
        True,
        14,
        0.027,
        ("preferences are kept on 14 of 20 held-out prompts; r1: 9", "drift 0.027 is within 0.150"),
    ),
    (3, False, 13, 0.094, ("preferences are kept on 13 of 20 held-out prompts; r2: 14: not better",)),
    (
        4,
        True,
        18,
        0.031,
        ("preferences are kept on 18 of 20 held-out prompts; r2: 14", "nothing else got worse"),
    ),
)


def furnish(root: Path) -> None:
    """A home with four revisions, what they learned from, and a few conversations."""
    home = Home(root)
    with persona_of(home) as persona:
        persona.create()
        registry, store = persona.registry, persona.store
        entries = [_entry(store, n, *told) for n, told in enumerate(_LEDGER)]
        examples = [_example(store, n) for n in range(8)]
        for number, good, kept, drift, reasons in _NIGHTS:
            at = FIRST + timedelta(days=2 * number, hours=5)
            snapshot = with_id(
                DatasetSnapshot(
                    id="",
                    at=at,
                    train=tuple(each.id for each in examples[: 2 + number]),
                    held_out=(examples[7].id,),
                    preferences=tuple(entries[: min(number, 3)]),
                )
            )
            store.snapshots.freeze(snapshot)
            revision = _publish(registry, number, snapshot.id, at)
            champion = registry.champion()
            report = _report(revision.id, champion, entries[: min(number, 3)], kept, drift)
            run = f"run-{number}"
            store.runs.start(Run(id=run, started_at=at, state=RunState.STARTED))
            store.runs.finish(
                run,
                state=RunState.PROMOTED if good else RunState.REJECTED,
                ended_at=at + timedelta(minutes=11),
                snapshot=snapshot.id,
                revision=revision.id,
                reasons=reasons,
                report=report.to_json(),
                costs={"seconds": 660, "cpu_seconds": 1180, "peak_bytes": 2_300_000_000},
            )
            if good:
                registry.promote(revision.id, expected=champion, reason="better")
            else:
                registry.reject(revision.id, reasons[0])
        _conversations(store, registry.champion())


def _entry(
    store: Store, n: int, statement: str, scope: str, attribute: str, source: str, quote: str
) -> Preference:
    at = FIRST + timedelta(days=n)
    signal = with_id(
        Signal(
            id="",
            detector="stated" if source == "stated" else "correction",
            at=at,
            polarity=1,
            confidence=1.0 if source == "stated" else 0.86,
            quote=quote,
            conversation=f"c-{n}",
        )
    )
    store.signals.add([signal])
    entry = Preference(
        id=f"p-{attribute}",
        statement=statement,
        scope=scope,
        attribute=attribute,
        source=source,  # type: ignore[arg-type]
        first_seen=at,
        last_seen=at,
        status=PreferenceStatus.ACTIVE,
        signals=(signal.id,),
    )
    store.ledger.record(entry, reason="said so")
    return entry


def _example(store: Store, n: int) -> Demonstration:
    example = with_id(
        Demonstration(
            id="",
            conversation=f"c-{n}",
            prompt=(Message(role="user", content=f"Question {n}?"),),
            completion=Message(role="assistant", content="Short."),
        )
    )
    store.examples.add([example])
    return example


def _report(revision: str, champion: str, entries: list[Preference], kept: int, drift: float) -> EvalReport:
    def arm(of: str, passed: int, nats: float) -> Arm:
        return Arm(
            revision=of,
            adoption={
                entry.id: Rate(passed=max(0, passed - 2 * n), asked=20) for n, entry in enumerate(entries)
            },
            pairs=Rate(passed=min(10, passed // 2), asked=10),
            drift=nats,
            form=Form(words=31, truncated=0.0, looping=0.0, empty=0.0),
        )

    return EvalReport(
        candidate=arm(revision, kept, drift),
        champion=arm(champion, max(2, kept - 5), 0.02),
        base=arm("r0", 2, 0.0),
        statements={entry.id: entry.statement for entry in entries},
        engine="llama_cpp",
        samples=(
            Sample(
                prompt="When does the hardware shop close on Saturdays?",
                base="The closing time of a hardware shop can vary with location, season and owner …",
                champion="Most close at 6 pm on Saturdays. Call ahead to be sure.",
                candidate="Most close at 18:00 on Saturdays; call ahead to be sure.",
            ),
        ),
    )


def _conversations(store: Store, champion: str) -> None:
    for n, (question, answer, act) in enumerate(SAID):
        at = FIRST + timedelta(days=9, hours=3 * n)
        interaction = with_id(
            Interaction(
                id="",
                conversation=f"c-{20 + n}",
                at=at,
                source="persona",
                prompt=(Message(role="user", content=question),),
                completion=Message(role="assistant", content=answer),
                revision=champion,
            )
        )
        store.interactions.add(interaction)
        if act is not None:
            kind, text = act
            store.feedback.add(
                with_id(
                    Feedback(
                        id="",
                        kind=FeedbackKind(kind),
                        at=at + timedelta(minutes=1),
                        interaction=interaction.id,
                        reason=text if kind in ("up", "down") else "",
                        content=text if kind == "edit" else "",
                    )
                )
            )


def _publish(registry: Registry, number: int, snapshot: str, at: datetime) -> Revision:
    staged = registry.stage(f"run-{number}")
    (staged / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 1, "lora_alpha": 2}))
    prefix = "base_model.model.model.layers.0.self_attn.q_proj"
    one = np.full((1, 4), number, dtype=np.float32)
    save_file(
        {f"{prefix}.lora_A.weight": one, f"{prefix}.lora_B.weight": one.T.copy()},
        staged / "adapter_model.safetensors",
    )
    base = BaseRef(
        name="smollm2-135m", fingerprint="b", weights="w", tokenizer="t", template="c", quantisation="none"
    )
    build = Build(
        identity="me",
        parent="r0",
        base=base,
        snapshot=snapshot,
        recipe={"rank": 1},
        seed=number,
        versions={},
        created_at=at,
    )
    return registry.publish(staged, build)
