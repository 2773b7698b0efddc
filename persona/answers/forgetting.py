"""Forgetting: what was said goes, what was made of it goes, and so do the revisions that learned from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona  # by name: the arguments are checked at run time
from persona.errors import BadInput, Busy, Damaged
from persona.notebook import Notebook

if TYPE_CHECKING:
    from adapters import Registry
    from store.forget import Falling

_WHY = "it learned from what was forgotten"


def forget(
    persona: Persona,
    conversation: str | None = None,
    interaction: str | None = None,
    preference: str | None = None,
) -> dict[str, Any]:
    """Forget one of the three, with everything that rests on it. Busy while a night runs.

    What a night that was cut off left is put in order first; the logs of all nights go, whatever they say.
    A champion that learned from it makes room for the last one that did not; its files go like those of every
    other such revision, and the next night builds again without it.

    What was said goes last. It alone tells what rests on it: whoever is cut off before it can ask once more.
    """
    from persona.nightly import clear_logs  # the stages

    what = _named(conversation, interaction, preference)
    registry = persona.registry
    persona.recover()
    with persona.lock():
        known = {revision.id: revision.ref for revision in registry.survey().revisions}
        falling = persona.store.foresee(**what)
        _clear_notes(persona, falling)
        clear_logs(persona.home.runs)
        _take_out(registry, [revision for revision in falling.revisions if revision in known])
        gone = persona.store.forget(at=datetime.now(UTC), **what)
        tainted = [revision for revision in gone.revisions if revision in known]
        _take_out(registry, tainted)  # the same, unless something was said meanwhile
    now = persona.resolve("champion")
    return {
        "interactions": gone.interactions,
        "messages": gone.messages,
        "feedback": gone.feedback,
        "preferences": gone.preferences,
        "examples": gone.examples,
        "revisions": [known[revision] for revision in tainted],
        "champion": now.id,
        "ref": now.ref,
    }


def foresee(
    persona: Persona,
    conversation: str | None = None,
    interaction: str | None = None,
    preference: str | None = None,
) -> dict[str, Any]:
    """What `forget` would delete; nothing changes."""
    falling = persona.store.foresee(**_named(conversation, interaction, preference))
    known = {revision.id: revision.ref for revision in persona.registry.survey().revisions}
    return {
        "conversations": falling.conversations,
        "interactions": falling.interactions,
        "feedback": falling.feedback,
        "signals": len(falling.signals),
        "preferences": [
            {"id": each, "statement": persona.store.ledger.get(each).statement}
            for each in falling.preferences
        ],
        "examples": len(falling.examples),
        "snapshots": falling.snapshots,
        "revisions": [known[revision] for revision in falling.revisions if revision in known],
    }


def _clear_notes(persona: Persona, falling: Falling) -> None:
    """What the chat noted of what falls. Busy while a chat holds its notes: nothing is forgotten then."""
    if not persona.paths.notes.exists():
        return
    going, said = set(falling.interactions), []
    begun = {persona.store.interactions.get(each).conversation for each in going}
    whole = set(falling.conversations)
    for conversation in begun:
        told = persona.store.interactions.told(conversation)
        if all(each.id in going for each in told):
            whole.add(conversation)
        said += [
            message.content
            for each in told
            if each.id in going
            for message in each.said
            if message.role == "user"
        ]
    acts = set(falling.feedback)
    for act in persona.store.feedback.all():
        if act.id in acts:
            said += [act.content, act.reason]
    try:
        book = Notebook(persona.paths.notes)
        book.forget(said=said, answers=falling.interactions)
        for conversation in whole:
            book.forget(conversation)
    except sqlite3.OperationalError as error:
        raise Busy(persona.paths.notes) from error
    except sqlite3.DatabaseError as error:
        advice = "delete it: there are drafts, titles and prompts of the chat in it, and no conversation"
        raise Damaged(persona.paths.notes, str(error), advice) from error


def _named(conversation: str | None, interaction: str | None, preference: str | None) -> dict[str, list[str]]:
    named = {"conversations": conversation, "interactions": interaction, "preferences": preference}
    what = {name: [value] for name, value in named.items() if value}
    if len(what) != 1:
        raise BadInput("name one conversation, interaction or preference to forget")
    return what


def _take_out(registry: Registry, tainted: Collection[str]) -> None:
    """Out of service, and their files off the disk. Idempotent, however it was cut off."""
    if registry.champion() in tainted:
        registry.rollback(_untouched(registry, tainted), reason=_WHY)
    states = registry.states()
    for revision in tainted:
        if states[revision] != "retired":
            registry.retire(revision, _WHY)
        registry.erase(revision)


def _untouched(registry: Registry, tainted: Collection[str]) -> str:
    """The last champion that did not learn from it; the bare base at worst."""
    states = registry.states()
    for operation in reversed(registry.operations()):
        earlier = operation.champion_before
        if earlier not in tainted and states.get(earlier) not in (None, "retired", "rejected"):
            return earlier
    return "r0"
