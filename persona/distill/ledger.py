"""Stated preferences and edits -> the ledger.

Policies, all pure:
- The latest statement about a (scope, attribute) is the active one; saying the same again is evidence.
- A wish for one answer ("just this once") counts only when it is said in a second conversation.
- What the user retired stays retired until the user says it again, later.
- Explicit beats inferred: a statement always displaces a habit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from persona.checker import Parsed, is_one_off, parse_statement
from persona.distill.active import ActivePreference
from persona.distill.entries import Entries, Key, key_of
from persona.distill.evidence import Edit, Statement
from persona.distill.signals import edited_message
from store.identity import with_id
from store.records import (
    Json,
    Preference,
    PreferenceStatus,
    Signal,
)

_FREE = "free."


def take_statements(
    entries: Entries,
    statements: Iterable[Statement],
    *,
    tools: Sequence[Mapping[str, Json]],
    decided: Mapping[Key, datetime],
) -> None:
    """Bring the stated preferences in, oldest first. `decided` says when the user last retired a key."""
    ordered = sorted(statements, key=lambda each: (each.at, each.id))
    stated_at = {each.signal.id: each.signal.at for each in ordered}
    for statement in _lasting(ordered):
        parsed = parse_statement(statement.content, tools=tools)
        for each in parsed:
            _take(entries, statement, each, stated_at, decided)
        if not any(each.attribute.startswith(_FREE) for each in parsed):
            _replace_unread(entries, statement.signal, parsed)


def _lasting(statements: Sequence[Statement]) -> list[Statement]:
    """All but the wishes for one answer that were said in one conversation only."""
    said_in: dict[str, set[str]] = {}
    for each in statements:
        place = each.conversation or each.id
        said_in.setdefault(_said(each), set()).add(place)
    return [each for each in statements if not is_one_off(each.content) or len(said_in[_said(each)]) > 1]


def _said(statement: Statement) -> str:
    return " ".join(statement.content.casefold().split())


def _take(
    entries: Entries,
    statement: Statement,
    parsed: Parsed,
    stated_at: Mapping[str, datetime],
    decided: Mapping[Key, datetime],
) -> None:
    """Bring one thing that a statement asks for in, unless an earlier night did."""
    signal, entry = statement.signal, _stated(statement, parsed)
    key = key_of(entry)
    same = next((known for known in entries.of(key) if _is_same(known, entry)), None)
    if same is not None and signal.id in same.signals:
        return
    current = entries.active(key)
    if same is not None:
        entries.sight(same, [signal], "stated again")
        if current is not None and current.id == same.id:
            return
    if behind := _behind(signal, current, stated_at, decided.get(key)):
        if same is None:
            entries.record(replace(entry, status=behind.status, superseded_by=behind.by), behind.reason)
        return
    if current is not None:
        successor = same or entry
        entries.step_back(current, by=successor.id, at=signal.at, reason="the user said otherwise later")
    for rival in entries.of(key):
        if rival.status is PreferenceStatus.CONTESTED and rival != same:
            entries.step_back(rival, by=(same or entry).id, at=signal.at, reason="the user said which")
    if same is None:
        entries.record(entry, "stated")
    else:
        entries.revive(same, at=signal.at, reason="stated again")


def _stated(statement: Statement, parsed: Parsed) -> Preference:
    return with_id(
        Preference(
            id="",
            statement=statement.content.strip(),
            scope=parsed.scope,
            attribute=parsed.attribute,
            source="stated",
            first_seen=statement.signal.at,
            last_seen=statement.signal.at,
            status=PreferenceStatus.ACTIVE,
            checker=parsed.checker.to_json() if parsed.checker else None,
            signals=(statement.signal.id,),
        )
    )


def _is_same(known: Preference, stated: Preference) -> bool:
    """Other words for the same thing are the same preference."""
    return known.source == "stated" and (known.id == stated.id or known.checker == stated.checker)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Behind:
    """Why a statement found now does not become active: something later stands against it."""

    status: PreferenceStatus
    reason: str
    by: str | None = None


def _behind(
    signal: Signal,
    current: Preference | None,
    stated_at: Mapping[str, datetime],
    decided: datetime | None,
) -> _Behind | None:
    if current is not None and current.source == "stated":
        said = [stated_at[known] for known in current.signals if known in stated_at]
        if said and signal.at < max(said):
            return _Behind(
                status=PreferenceStatus.SUPERSEDED, reason="an older statement, found later", by=current.id
            )
    if current is None and decided is not None and signal.at <= decided:
        return _Behind(status=PreferenceStatus.RETIRED, reason="said before the user retired it")
    return None


def _replace_unread(entries: Entries, signal: Signal, parsed: Sequence[Parsed]) -> None:
    """What could not be read on an earlier night, before its tool was seen, gives way to what is read."""
    for entry in entries.all():
        unread = entry.status is PreferenceStatus.ACTIVE and entry.attribute.startswith(_FREE)
        read = entries.active((parsed[0].scope, parsed[0].attribute))
        if unread and signal.id in entry.signals and read is not None:
            entries.step_back(entry, by=read.id, at=signal.at, reason="it can be read now")


def take_edits(entries: Entries, edits: Iterable[Edit], active: Sequence[ActivePreference]) -> None:
    """Edits that make a checker pass which the original failed confirm its preference."""
    known = [(edit, edited_message(edit.feedback)) for edit in edits]
    for each in active:
        entry = entries.active(key_of(each.preference))
        confirming = [
            edit.signal
            for edit, edited in known
            if each.asks_of(edited) and each.kept_by(edited) and not each.kept_by(edit.interaction.completion)
        ]
        if entry is not None:
            entries.sight(entry, confirming, "edits brought it about")
