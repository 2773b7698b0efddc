"""Two revisions side by side: what they answer, what they were built from, what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from persona.bootstrap import OnProgress, Persona

if TYPE_CHECKING:
    from adapters import Bare, Revision
    from persona.engine.protocol import Prompt
    from persona.report import Arm, EvalReport
    from store.records import DatasetSnapshot, Message


@dataclass(frozen=True, kw_only=True, slots=True)
class DataChange:
    """From one snapshot to another: counts of training examples, statements of preferences."""

    examples_added: int
    examples_removed: int
    preferences_added: tuple[str, ...]
    preferences_removed: tuple[str, ...]


def data_change(old: DatasetSnapshot | None, new: DatasetSnapshot | None) -> DataChange:
    """None is the empty snapshot of the bare base."""
    before, after = (set(snapshot.train) if snapshot else set() for snapshot in (old, new))
    stated_before, stated_after = (
        {entry.id: entry.statement for entry in snapshot.preferences} if snapshot else {}
        for snapshot in (old, new)
    )
    return DataChange(
        examples_added=len(after - before),
        examples_removed=len(before - after),
        preferences_added=tuple(text for key, text in stated_after.items() if key not in stated_before),
        preferences_removed=tuple(text for key, text in stated_before.items() if key not in stated_after),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`names` are r7 and r9, `arms` what was measured on each, `answers` (question, one, the other)."""

    ids: tuple[str, str]
    names: tuple[str, str]
    change: DataChange
    arms: tuple[Arm | None, Arm | None]
    statements: dict[str, str]
    answers: tuple[tuple[str, str, str], ...]

    def to_json(self) -> dict[str, Any]:
        sides = [{"id": key, "ref": name} for key, name in zip(self.ids, self.names, strict=True)]
        return {
            "a": sides[0],
            "b": sides[1],
            "data": asdict(self.change),
            "scores": {
                name: None if arm is None else asdict(arm) for name, arm in zip("ab", self.arms, strict=True)
            },
            "answers": [{"prompt": question, "a": one, "b": two} for question, one, two in self.answers],
        }


def diff(
    persona: Persona,
    a: str,
    b: str,
    prompts: Annotated[int, Field(ge=0)] = 6,
    max_tokens: Annotated[int, Field(ge=1)] = 160,
) -> dict[str, Any]:
    """What two revisions answer to held-out prompts, and what changed in data and scores."""
    return compare(
        persona, a, b, prompts=prompts, max_tokens=max_tokens, on_progress=lambda _: None
    ).to_json()


def compare(
    persona: Persona, a: str, b: str, *, prompts: int, max_tokens: int, on_progress: OnProgress
) -> Comparison:
    """One engine at a time is loaded for the answers."""
    sides = (persona.resolve(a), persona.resolve(b))
    asked = _held_out_prompts(persona, prompts)
    answers = [_answers(persona, side, asked, max_tokens, on_progress) for side in sides]
    return Comparison(
        ids=(sides[0].id, sides[1].id),
        names=(sides[0].ref, sides[1].ref),
        change=data_change(*(_snapshot(persona, side) for side in sides)),
        arms=_arms(persona, *sides),
        statements={entry.id: entry.statement for entry in persona.store.ledger.all()},
        answers=tuple(
            (_question(prompt), _text(one), _text(two))
            for prompt, one, two in zip(asked, *answers, strict=True)
        ),
    )


def _held_out_prompts(persona: Persona, limit: int) -> list[Prompt]:
    """Distinct held-out prompts of the newest snapshot; no revision was trained on them. Without any, those
    that stand in for them."""
    from persona.distill import probes
    from persona.engine.protocol import Prompt

    snapshot = persona.store.snapshots.latest()
    if snapshot is None:
        return []
    distinct: dict[str, Prompt] = {}
    for example in persona.store.examples.get(snapshot.held_out):
        prompt = Prompt(messages=example.prompt, tools=example.tools)
        distinct.setdefault(repr(prompt), prompt)
    if not distinct:
        known = persona.store.examples.get(snapshot.train)
        return [Prompt(messages=each.prompt, tools=()) for each in probes(snapshot, known)][:limit]
    return list(distinct.values())[:limit]


def _answers(
    persona: Persona, side: Revision | Bare, asked: Sequence[Prompt], max_tokens: int, on_progress: OnProgress
) -> list[Message]:
    from persona.engine.protocol import Sampling

    if not asked:
        return []
    engine = persona.engine(side)
    try:
        messages = []
        for number, prompt in enumerate(asked, start=1):
            (completion,) = engine.complete([prompt], Sampling(max_tokens=max_tokens))
            messages.append(completion.message)
            on_progress({"step": f"answers of {side.ref}", "done": number, "total": len(asked)})
        return messages
    finally:
        engine.close()


def _snapshot(persona: Persona, side: Revision | Bare) -> DatasetSnapshot | None:
    from adapters import Revision

    return persona.store.snapshots.get(side.snapshot) if isinstance(side, Revision) else None


def _arms(persona: Persona, a: Revision | Bare, b: Revision | Bare) -> tuple[Arm | None, Arm | None]:
    """What was measured on each; on r0, in the report of the other one."""
    reports = [_report_of(persona, side) for side in (a, b)]
    arms = [
        own.candidate if own else other.base if other and side.id == "r0" else None
        for side, own, other in zip((a, b), reports, reports[::-1], strict=True)
    ]
    return arms[0], arms[1]


def _report_of(persona: Persona, side: Revision | Bare) -> EvalReport | None:
    from persona.report import EvalReport

    run = persona.store.runs.of_revision(side.id)
    return None if run is None or run.report is None else EvalReport.from_json(run.report)


def _question(prompt: Prompt) -> str:
    return next((message.content for message in reversed(prompt.messages) if message.role == "user"), "")


def _text(message: Message) -> str:
    """What was said, and the calls as JSON."""
    calls = [json.dumps({"name": c.name, "arguments": dict(c.arguments)}) for c in message.tool_calls]
    return "\n".join([*([message.content] if message.content else []), *calls])
