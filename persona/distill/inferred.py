"""What was inferred -> the ledger.

Policies, all pure:
- What is stated comes before what is inferred about the same attribute, which gives way to it.
- The user's own decisions stand: a pinned entry is not touched, a retired one needs as much evidence again.
- What corrections ask for in plain words needs no test, and gives way to what a test found.
- A clear run of newer evidence supersedes an inferred entry; disagreement in no clear order contests it, and
  a statement too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from persona.checker import ALWAYS, is_tool_scope
from persona.distill.entries import Entries, Key
from persona.distill.inference import (
    FEWEST_VOTES,
    Conflict,
    Finding,
    Observation,
    Reader,
    conflicts,
    infer,
)
from persona.distill.repeated import SAID_AGAIN
from store.identity import with_id
from store.records import Preference, PreferenceStatus


def take_inferred(
    entries: Entries,
    observations: Sequence[Observation],
    decided: Mapping[Key, datetime],
    said: Mapping[str, datetime],
    repeated: Sequence[Finding] = (),
) -> None:
    """Bring in what the observations show, and the wishes `repeated` in corrections. `decided` says when the
    user last retired an entry of a key, and `said` when each stated one that acts may contest was last
    stated.
    """
    _give_way(entries)
    standing, reader = entries.all(), Reader()
    inference = infer(observations, standing, reader)
    for finding in inference.findings:
        if _is_open(entries, finding, decided, FEWEST_VOTES):
            _take(entries, finding)
    tested = {(each.scope, _topic(each.attribute)) for each in inference.findings}
    for finding in repeated:
        known = (finding.scope, _topic(finding.attribute)) in tested
        if not known and _is_open(entries, finding, decided, SAID_AGAIN) and _is_later(entries, finding):
            _take(entries, finding)
    for conflict in conflicts(inference, standing, reader, said):
        if conflict.stated or _is_open(entries, conflict, decided, 1):
            _contest(entries, conflict)


def _give_way(entries: Entries) -> None:
    """Inferred entries step back for what the user has stated about the same thing since."""
    for entry in entries.all():
        if entry.source == "stated" or not _stands(entry) or entry.pinned or is_tool_scope(entry.scope):
            continue
        stated = _stated(entries, entry.scope, entry.attribute)
        if stated is not None:
            entries.step_back(
                entry,
                by=stated.id,
                at=stated.last_seen,
                reason="what is stated comes before what is inferred",
            )


def _is_open(
    entries: Entries, found: Finding | Conflict, decided: Mapping[Key, datetime], fewest: int
) -> bool:
    """May evidence decide about this key? It may not against the user's word."""
    key = (found.scope, found.attribute)
    if _stated(entries, *key) is not None:
        return False
    current = entries.active(key)
    if current is not None and (current.pinned or current.source == "stated"):
        return current.checker == found.checker.to_json()
    barred = decided.get(key)
    return current is not None or barred is None or sum(at > barred for at in found.at) >= fewest


def _is_later(entries: Entries, finding: Finding) -> bool:
    """Was the wish said often enough since what stands in its way was last shown?"""
    rivals = [
        entry
        for entry in entries.of((finding.scope, finding.attribute))
        if entry.status is PreferenceStatus.CONTESTED
        or (entry.status is PreferenceStatus.ACTIVE and entry.checker != finding.checker.to_json())
    ]
    return all(finding.at[-SAID_AGAIN] > rival.last_seen for rival in rivals)


def _stated(entries: Entries, scope: str, attribute: str) -> Preference | None:
    """The statement about this attribute that stands, or about the length in other units. Nothing takes the
    place of one that is asked about."""
    topic = _topic(attribute)
    return next(
        (
            entry
            for entry in entries.all()
            if _stands(entry)
            and entry.source == "stated"
            and entry.scope in (ALWAYS, scope)
            and _topic(entry.attribute) == topic
        ),
        None,
    )


def _topic(attribute: str) -> str:
    return "length" if attribute.startswith("length.") else attribute


def _take(entries: Entries, finding: Finding) -> None:
    key = (finding.scope, finding.attribute)
    signals = finding.signals
    current = entries.active(key)
    if current is not None and current.checker == finding.checker.to_json():
        entries.sight_ids(current, signals, finding.at[-1], "more answers show it")
        return
    entry = _entry(finding, PreferenceStatus.ACTIVE)
    if current is not None:
        entries.step_back(current, by=entry.id, at=entry.last_seen, reason="later answers clearly differ")
    for rival in [*entries.of(key), *_narrower(entries, finding)]:
        if rival.status is not PreferenceStatus.RETIRED and rival.id != entry.id and _stands(rival):
            entries.step_back(rival, by=entry.id, at=entry.last_seen, reason="later answers are clear")
    known = next((each for each in entries.of(key) if each.id == entry.id), None)
    if known is None:
        entries.record(entry, finding.reason)
    else:
        entries.sight_ids(known, signals, finding.at[-1], "answers show it again")
        entries.revive(known, at=finding.at[-1], reason=finding.reason)


def _narrower(entries: Entries, finding: Finding) -> list[Preference]:
    """The same preference for one kind of request only, which holds everywhere now."""
    if finding.scope != ALWAYS:
        return []
    return [
        entry
        for entry in entries.all()
        if entry.scope != ALWAYS
        and entry.attribute == finding.attribute
        and entry.source == "inferred"
        and not entry.pinned
        and entry.checker == finding.checker.to_json()
    ]


def _stands(entry: Preference) -> bool:
    return entry.status in (PreferenceStatus.ACTIVE, PreferenceStatus.CONTESTED)


def _contest(entries: Entries, conflict: Conflict) -> None:
    key = (conflict.scope, conflict.attribute)
    entry = _entry(conflict, PreferenceStatus.CONTESTED)
    alike = [each for each in entries.of(key) if each.id == entry.id or each.checker == entry.checker]
    known = next((each for each in alike if _stands(each)), next(iter(alike), None))
    if known is None:
        entries.record(entry, conflict.reason)
    elif known.status is PreferenceStatus.CONTESTED:
        entries.sight_ids(known, conflict.signals, conflict.at[-1], "still unclear")
    elif known.status is not PreferenceStatus.RETIRED:
        entries.contest(known, at=conflict.at[-1], reason=conflict.reason)


def _entry(found: Finding | Conflict, status: PreferenceStatus) -> Preference:
    return with_id(
        Preference(
            id="",
            statement=found.statement,
            scope=found.scope,
            attribute=found.attribute,
            source="inferred",
            first_seen=found.at[0],
            last_seen=found.at[-1],
            status=status,
            checker=found.checker.to_json(),
            signals=found.signals,
        )
    )
