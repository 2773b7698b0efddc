"""Where behaviour comes from: what a revision learned, and what stands behind one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from store.records import DatasetSnapshot, Example, Interaction, Message, Preference

_SHOWN = 12  # examples of a revision
_NEAREST = 3
_ALIKE = 45.0  # of 100: questions with less in common are no reason for anything


def learned(persona: Persona, revision: str) -> dict[str, Any]:
    """What a revision was built from: the preferences that it carries, and how many examples of which kind,
    the newest of them said. Nothing for r0, and for one whose snapshot was forgotten."""
    from store.records import Demonstration

    made = persona.resolve(revision)
    snapshot = _snapshot(persona, made.id)
    if snapshot is None:
        return {"revision": made.id, "ref": made.ref, "preferences": [], "kinds": {}, "examples": []}
    examples = persona.store.examples.get(snapshot.train)
    lessons = sum(isinstance(each, Demonstration) for each in examples)
    return {
        "revision": made.id,
        "ref": made.ref,
        "preferences": [_entry(entry) for entry in snapshot.preferences],
        "kinds": {"demonstrations": lessons, "pairs": len(examples) - lessons},
        "examples": [_example(each) for each in examples[-_SHOWN:][::-1]],
    }


def why(persona: Persona, interaction: str) -> dict[str, Any]:
    """What stands behind an answer: preferences that speak about its question, in the weights of the revision
    that answered or told in its prompt, each with whether the answer keeps it (None where no rule can say);
    and the examples with the likest questions. Raises UnknownId."""
    asked = persona.store.interactions.get(interaction)
    by = persona.resolve(asked.revision) if asked.revision else None
    snapshot = None if by is None else _snapshot(persona, by.id)
    carried = [] if snapshot is None else list(_about(asked, snapshot.preferences))
    told = [] if by is None else list(_about(asked, persona.live(by)))
    return {
        "interaction": asked.id,
        "source": asked.source,
        "revision": asked.revision,
        "ref": None if by is None else by.ref,
        "carried": [{**_entry(entry), "kept": _kept(entry, asked.completion)} for entry in carried],
        "told": [{**_entry(entry), "kept": _kept(entry, asked.completion)} for entry in told],
        "examples": [] if snapshot is None else _nearest(persona, asked, snapshot.train),
    }


def _snapshot(persona: Persona, revision: str) -> DatasetSnapshot | None:
    from store.errors import UnknownId

    run = persona.store.runs.of_revision(revision)
    if run is None or run.snapshot is None:
        return None
    try:
        return persona.store.snapshots.get(run.snapshot)
    except UnknownId:  # something of it was forgotten
        return None


def _about(asked: Interaction, entries: Iterable[Preference]) -> Iterable[Preference]:
    from persona.checker import covers, is_tool_scope

    for entry in entries:
        if is_tool_scope(entry.scope) and not asked.tools:
            continue
        if covers(entry.scope, asked.prompt, asked.tools):
            yield entry


def _kept(entry: Preference, answer: Message) -> bool | None:
    from persona.checker import from_json

    return None if entry.checker is None else from_json(entry.checker).passes(answer)


def _nearest(persona: Persona, asked: Interaction, examples: Sequence[str]) -> list[dict[str, Any]]:
    from rapidfuzz import fuzz, process, utils

    known = persona.store.examples.get(examples)
    found = process.extract(
        _question(asked.prompt),
        [_question(each.prompt) for each in known],
        scorer=fuzz.token_set_ratio,
        processor=utils.default_process,
        limit=_NEAREST,
        score_cutoff=_ALIKE,
    )
    return [{**_example(known[place]), "alike": round(score / 100, 2)} for _, score, place in found]


def _entry(entry: Preference) -> dict[str, Any]:
    return {"id": entry.id, "statement": entry.statement, "scope": entry.scope, "source": entry.source}


def _example(example: Example) -> dict[str, Any]:
    from store.records import Demonstration

    said = {"conversation": example.conversation, "question": _question(example.prompt)}
    if isinstance(example, Demonstration):
        return {**said, "kind": "demonstration", "wanted": _said(example.completion), "instead_of": None}
    return {**said, "kind": "pair", "wanted": _said(example.chosen), "instead_of": _said(example.rejected)}


def _question(prompt: Sequence[Message]) -> str:
    return next((message.content for message in reversed(prompt) if message.role == "user"), "")


def _said(message: Message) -> str:
    return message.content or "; ".join(f"{call.name}({dict(call.arguments)})" for call in message.tool_calls)
