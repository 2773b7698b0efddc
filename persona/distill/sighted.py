"""What corrected calls show of a habit -> its entry of the ledger.

Policy, pure: a habit needs corrections in two conversations, later than the user's own decision against it;
it never displaces what the user stated or pinned, nor decides what they are asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from persona.checker import Checker
from persona.distill.entries import Entries, Key, key_of
from store.identity import with_id
from store.records import Preference, PreferenceStatus, Signal

_SIGHTINGS = 2  # in different conversations


def take_sighted(
    entries: Entries,
    key: Key,
    signals: Sequence[Signal],
    *,
    statement: str,
    checker: Checker,
    decided: Mapping[Key, datetime],
) -> None:
    """Bring the habit in that `signals` (oldest first) show. `decided` says when the user retired an entry of
    its key."""
    if any(one.source == "stated" and one.status is PreferenceStatus.CONTESTED for one in entries.of(key)):
        return
    current = entries.active(key)
    barred = decided.get(key)
    if current is None and barred is not None:
        signals = [signal for signal in signals if signal.at > barred]
    if len({signal.conversation for signal in signals}) < _SIGHTINGS:
        return
    habit = with_id(
        Preference(
            id="",
            statement=statement,
            scope=key[0],
            attribute=key[1],
            source="inferred",
            first_seen=signals[0].at,
            last_seen=signals[-1].at,
            status=PreferenceStatus.ACTIVE,
            checker=checker.to_json(),
            signals=tuple(signal.id for signal in signals),
        )
    )
    if current is not None and current.checker == habit.checker:
        entries.sight(current, signals, "calls were corrected so")
        return
    if current is not None and (current.source == "stated" or current.pinned):
        return
    if current is not None:
        entries.step_back(current, by=habit.id, at=habit.last_seen, reason="later corrections differ")
    known = next((entry for entry in entries.of(key_of(habit)) if entry.id == habit.id), None)
    if known is None:
        entries.record(habit, f"corrected so in {_SIGHTINGS} conversations or more")
    else:
        entries.sight(known, signals, "calls were corrected so again")
        entries.revive(known, at=habit.last_seen, reason="calls were corrected so again")
