"""Facts to put into a store: short makers, strategies that draw any fact, and stores that cost little."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from store import Act, Conversation, Store, Turn
from store.identity import with_id
from store.records import (
    DatasetSnapshot,
    Demonstration,
    Feedback,
    FeedbackKind,
    Interaction,
    Message,
    Origin,
    Preference,
    PreferencePair,
    PreferenceStatus,
    Signal,
    ToolCall,
)

AT = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)


def later(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def user(content: str) -> Message:
    return Message(role="user", content=content)


def answer(content: str, *acts: Act, revision: str | None = None) -> Turn:
    return Turn(message=Message(role="assistant", content=content), feedback=acts, revision=revision)


def ask(content: str) -> Turn:
    return Turn(message=user(content))


def conversation(name: str, *turns: Turn, **more: Any) -> Conversation:
    return Conversation(**{"id": name, "at": AT, "source": "import:test", "turns": turns} | more)


def interaction(content: str = "Hello", reply: str = "Hi", **more: Any) -> Interaction:
    fields: dict[str, Any] = {
        "id": "",
        "conversation": "c-1",
        "at": AT,
        "source": "chat",
        "prompt": (user(content),),
        "completion": Message(role="assistant", content=reply),
    }
    return with_id(Interaction(**fields | more))


def feedback(kind: FeedbackKind, **more: Any) -> Feedback:
    return with_id(Feedback(**{"id": "", "kind": kind, "at": AT} | more))


def signal(quote: str = "shorter", **more: Any) -> Signal:
    fields = {"id": "", "detector": "edit.length", "at": AT, "polarity": 1, "confidence": 0.9, "quote": quote}
    return with_id(Signal(**fields | more))


def preference(statement: str = "Be short.", **more: Any) -> Preference:
    fields: dict[str, Any] = {
        "id": "",
        "statement": statement,
        "scope": "always",
        "attribute": "length",
        "source": "inferred",
        "first_seen": AT,
        "last_seen": AT,
        "status": PreferenceStatus.ACTIVE,
    }
    return with_id(Preference(**fields | more))


def demonstration(content: str = "Hello", reply: str = "Hi.", **more: Any) -> Demonstration:
    fields: dict[str, Any] = {
        "id": "",
        "conversation": "c-1",
        "prompt": (user(content),),
        "completion": Message(role="assistant", content=reply),
    }
    return with_id(Demonstration(**fields | more))


def snapshot(train: tuple[str, ...] = (), held_out: tuple[str, ...] = (), **more: Any) -> DatasetSnapshot:
    return with_id(DatasetSnapshot(**{"id": "", "at": AT, "train": train, "held_out": held_out} | more))


def damage(path: Path, *statements: str) -> None:
    """Change a store behind its back, as a broken disk or a curious hand would."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%_unchanged'"
        ).fetchall():
            sql = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (trigger,)).fetchone()[0]
            connection.execute(f"DROP TRIGGER {trigger}")
            statements = (*statements, sql)
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


# Syncing hundreds of stores takes a disk minutes.
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@cache
def _empty_store() -> bytes:
    folder = Path(tempfile.mkdtemp())
    try:
        Store.open(folder / "store.db").close()
        return (folder / "store.db").read_bytes()
    finally:
        shutil.rmtree(folder)


@contextmanager
def scratch_store() -> Iterator[Store]:
    """An empty store that costs milliseconds: for each of hundreds of drawn examples."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        path = Path(folder) / "store.db"
        path.write_bytes(_empty_store())
        with Store.open(path) as store:
            yield store


# Any fact that the records allow.
texts = st.text(max_size=30)
names = st.text(min_size=1, max_size=8)
conversation_ids = names.filter(lambda name: "\0" not in name)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1), timezones=zones)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(texts, values, max_size=3)
calls = st.builds(ToolCall, name=names, arguments=objects, id=texts)
call_tuples = st.lists(calls, max_size=2).map(tuple)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=texts,
    tool_calls=call_tuples,
    tool_call_id=st.none() | texts,
    origin=st.none() | st.sampled_from(Origin),
)
answers = st.builds(
    Message, role=st.just("assistant"), content=texts, tool_calls=call_tuples, origin=st.sampled_from(Origin)
)
prompts = st.lists(messages, max_size=4).map(tuple)
tool_sets = st.lists(objects, max_size=2).map(tuple)
revisions = st.none() | st.sampled_from(["r0", "rev-1"])
interactions = st.builds(
    Interaction,
    id=st.just(""),
    conversation=conversation_ids,
    at=instants,
    source=texts,
    prompt=prompts,
    completion=answers,
    tools=tool_sets,
    revision=revisions,
).map(with_id)
_demonstrations = st.builds(
    Demonstration,
    id=st.just(""),
    conversation=conversation_ids,
    prompt=prompts,
    completion=answers,
    tools=tool_sets,
    signals=st.just(()),
    preferences=st.just(()),
)
_pairs = st.builds(
    PreferencePair,
    id=st.just(""),
    conversation=conversation_ids,
    prompt=prompts,
    chosen=answers,
    rejected=answers,
    tools=tool_sets,
    signals=st.just(()),
    preferences=st.just(()),
)
examples = (_demonstrations | _pairs).map(with_id)


def _act(kind: FeedbackKind) -> st.SearchStrategy[Act]:
    needs: dict[FeedbackKind, dict[str, st.SearchStrategy[Any]]] = {
        FeedbackKind.EDIT: {"content": names},
        FeedbackKind.PICK: {"over": st.lists(texts, min_size=1, max_size=2).map(tuple)},
        FeedbackKind.CORRECTION: {"content": names.filter(str.strip)},
    }
    return st.builds(Act, kind=st.just(kind), reason=texts, tool_calls=call_tuples, **needs.get(kind, {}))


acts = st.sampled_from([kind for kind in FeedbackKind if kind is not FeedbackKind.PREFERENCE]).flatmap(_act)


@st.composite
def conversations(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Conversation:
    turns = []
    asked = False
    for message in draw(st.lists(messages, max_size=6)):
        done = message.role == "assistant" and asked
        turns.append(
            Turn(
                message=message,
                feedback=tuple(draw(st.lists(acts, max_size=2))) if done else (),
                revision=draw(revisions) if done else None,
            )
        )
        asked = asked or message.role != "system"
    return Conversation(
        id=draw(conversation_ids),
        at=draw(instants),
        source=draw(texts),
        turns=tuple(turns),
        tools=draw(tool_sets),
        statements=tuple(draw(st.lists(names.filter(str.strip), max_size=2))),
    )
