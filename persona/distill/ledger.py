"""Stated preferences and edits -> the ledger.

Policies, all pure:
- The latest statement about a (scope, attribute) is the active one; saying the same again is evidence.
- What is said to and fro within weeks is contested, unless the user pinned one of it: that was their answer.
- A wish for one answer ("just this once") counts only when it is said in a second conversation.
- What the user retired stays retired until the user says it again, later.
- Explicit beats inferred: a statement always displaces a habit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from persona.checker import Parsed, is_one_off, parse_statement
from persona.distill.active import ActivePreference
from persona.distill.entries import Entries, Key, key_of
from persona.distill.evidence import Edit, Statement
from persona.distill.inference import DAYS
from persona.distill.signals import edited_message
from persona.distill.turns import Turn, rivals
from store.identity import with_id
from store.records import (
    Json,
    Preference,
    PreferenceStatus,
    Signal,
)

_FREE = "free."
_FOUND_LATER = "an older statement, found later"
_STANDING = (PreferenceStatus.ACTIVE, PreferenceStatus.CONTESTED)


def take_statements(
    entries: Entries,
    statements: Iterable[Statement],
    *,
    tools: Sequence[Mapping[str, Json]],
    decided: Mapping[Key, datetime],
) -> None:
    """Bring the stated preferences in, oldest first. `decided` says when the user last retired or pinned
    an entry of a key."""
    ordered = sorted(statements, key=lambda each: (each.at, each.id))
    read = [(each, parse_statement(each.content, tools=tools)) for each in _lasting(ordered)]
    turns = _turns(read)
    for statement, parsed in read:
        for each in parsed:
            _take(entries, _stated(statement, each), statement.signal, turns, decided)
        if not any(each.attribute.startswith(_FREE) for each in parsed):
            _replace_unread(entries, statement.signal, parsed)


def _turns(read: Iterable[tuple[Statement, Sequence[Parsed]]]) -> dict[Key, list[Turn]]:
    """What was said about each key, in order; of two things in one statement the later counts."""
    found: dict[Key, dict[str, Turn]] = {}
    for statement, parsed in read:
        for each in parsed:
            found.setdefault((each.scope, each.attribute), {})[statement.signal.id] = Turn(
                at=statement.at,
                signal=statement.signal.id,
                value=_value(each.checker.to_json() if each.checker else None),
                given=statement.conversation is None,
            )
    return {key: list(turns.values()) for key, turns in found.items()}


def _value(checker: Mapping[str, Json] | None) -> str:
    return json.dumps(checker, sort_keys=True)


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
    entry: Preference,
    signal: Signal,
    turns: Mapping[Key, Sequence[Turn]],
    decided: Mapping[Key, datetime],
) -> None:
    """Bring one thing that a statement asks for in, unless an earlier night did."""
    key = key_of(entry)
    same = next((known for known in entries.of(key) if _is_same(known, entry)), None)
    if same is not None and signal.id in same.signals:
        return
    if same is not None:
        entries.sight(same, [signal], "stated again")
    current, barred = entries.active(key), decided.get(key)
    if barred is not None and signal.at <= barred:
        if same is None:
            entries.record(*_too_late(entry, current))
        return
    stated = {_value(known.checker): known for known in entries.of(key) if known.source == "stated"}
    taken = {(value, seen) for value, known in stated.items() for seen in known.signals}
    now = [
        turn
        for turn in turns[key]
        if (barred is None or turn.at > barred)
        and (turn.signal == signal.id or (turn.value, turn.signal) in taken)
    ]
    before = [turn for turn in now if turn.signal != signal.id]
    pinned = any(one.pinned for one in entries.of(key) if one.status is not PreferenceStatus.RETIRED)
    unclear = () if pinned else rivals(now)
    if unclear:
        latest = next(stated[turn.value] for turn in reversed(now) if turn.value in stated)
        _contest(entries, entry, same, signal, unclear, latest=latest)
    elif now[-1].signal == signal.id:
        _prevail(entries, same or entry, signal, "stated again" if same else "stated")
    else:
        latest = stated[now[-1].value]
        if same is None:
            behind = replace(entry, status=PreferenceStatus.SUPERSEDED, superseded_by=latest.id)
            entries.record(behind, _FOUND_LATER)
        if rivals(before) and not pinned:
            _prevail(entries, latest, signal, _FOUND_LATER)


def _too_late(entry: Preference, current: Preference | None) -> tuple[Preference, str]:
    """How a statement enters that the user's later decision about its key outranks, and why."""
    if current is None:
        return replace(entry, status=PreferenceStatus.RETIRED), "said before the user retired it"
    behind = replace(entry, status=PreferenceStatus.SUPERSEDED, superseded_by=current.id)
    return behind, "said before the user decided about it"


def _contest(
    entries: Entries,
    entry: Preference,
    same: Preference | None,
    signal: Signal,
    unclear: Sequence[str],
    *,
    latest: Preference,
) -> None:
    """All that is said to and fro waits for the user's answer; nothing else about it stands meanwhile."""
    reason = f"said now this and now that within {DAYS} days"
    if same is None:
        waits = _value(entry.checker) in unclear
        by = None if waits else latest.id
        status = PreferenceStatus.CONTESTED if waits else PreferenceStatus.SUPERSEDED
        behind = replace(entry, status=status, superseded_by=by)
        entries.record(behind, reason if waits else _FOUND_LATER)
    for known in entries.of(key_of(entry)):
        if known.source == "stated" and _value(known.checker) in unclear:
            if known.status is not PreferenceStatus.CONTESTED:
                entries.contest(known, at=signal.at, reason=reason)
        elif known.status in _STANDING:
            entries.step_back(known, by=latest.id, at=signal.at, reason="the user said otherwise later")


def _prevail(entries: Entries, chosen: Preference, signal: Signal, reason: str) -> None:
    """Make this the active one of its key."""
    known = None
    for rival in entries.of(key_of(chosen)):
        if rival.id == chosen.id:
            known = rival
        elif rival.status is PreferenceStatus.ACTIVE:
            entries.step_back(rival, by=chosen.id, at=signal.at, reason="the user said otherwise later")
        elif rival.status is PreferenceStatus.CONTESTED:
            entries.step_back(rival, by=chosen.id, at=signal.at, reason="the user said which")
    if known is None:
        entries.record(chosen, reason)
    elif known.status is not PreferenceStatus.ACTIVE:
        entries.revive(known, at=signal.at, reason=reason)


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
