"""The preferences in force, ready to judge messages with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from persona.checker import Checker, Closing, NoClosing, NoOpening, Opening, asked_of, from_json
from store.records import Json, Message, Preference, PreferenceStatus

# Keeping a tighter limit keeps the looser one too, and what forbids something shows in every plain answer.
_NEVER_SHOWN = ("max_", "min_", "no_", "avoids")  # how the kinds of such checkers begin


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivePreference:
    """An active entry and its checker; `forerunners` are the checkers of entries that it superseded."""

    preference: Preference
    checker: Checker | None
    forerunners: tuple[Checker, ...] = ()

    def asks_of(self, message: Message) -> bool:
        """Can it be decided, and does it speak about this completion?"""
        return self.checker is not None and self.checker.applies_to(message)

    def kept_by(self, message: Message) -> bool:
        return self.checker is not None and self.checker.passes(message)

    def amend(self, content: str) -> str | None:
        """The text with the style of a forerunner replaced by this one's; None where it shows none."""
        if self.checker is None:
            return None
        amended = (self.checker.amend(content, superseded=old) for old in self.forerunners)
        return next((text for text in amended if text is not None), None)


def active_preferences(entries: Iterable[Preference]) -> list[ActivePreference]:
    """The active entries of a ledger, in its order, with their checkers bound to one another.

    Checkers that count or forbid are told the literals that active openings and closings ask for, and do not
    see them at the edges of an answer. The preferences carry the checkers so bound.
    """
    ledger = list(entries)
    active = [entry for entry in ledger if entry.status is PreferenceStatus.ACTIVE]
    checkers = {entry.id: from_json(entry.checker) for entry in ledger if entry.checker is not None}
    in_force = [checkers[entry.id] for entry in active if entry.id in checkers]
    literals = tuple(sorted({each.text for each in in_force if isinstance(each, (Opening, Closing))}))
    found = []
    for entry in active:
        forerunners = tuple(checkers[old.id] for old in _superseded(entry, ledger) if old.id in checkers)
        checker = _bound(checkers[entry.id], literals, forerunners) if entry.id in checkers else None
        found.append(
            ActivePreference(
                preference=replace(entry, checker=checker.to_json() if checker else None),
                checker=checker,
                forerunners=forerunners,
            )
        )
    return found


def in_scope(
    active: Iterable[ActivePreference],
    prompt: Sequence[Message],
    tools: Sequence[Mapping[str, Json]] = (),
) -> list[ActivePreference]:
    """Those whose entry is asked of an answer to this prompt."""
    every = list(active)
    asked = {each.id for each in asked_of((one.preference for one in every), prompt, tools)}
    return [each for each in every if each.preference.id in asked]


def _bound(checker: Checker, literals: tuple[str, ...], forerunners: Iterable[Checker]) -> Checker:
    if isinstance(checker, NoClosing):
        return checker.knowing(old.text for old in forerunners if isinstance(old, Closing))
    if isinstance(checker, NoOpening):
        return checker.knowing(old.text for old in forerunners if isinstance(old, Opening))
    return checker.ignore(literals)


def given_up(entries: Iterable[Preference]) -> list[Preference]:
    """The superseded entries of a ledger whose style an answer should show no more, each style once.

    A style that merely stopped mattering is not among them, nor is a limit, nor what forbade something: no
    answer could be told from one that never heard of it.
    """
    ledger = list(entries)
    in_force = {
        (entry.scope, entry.attribute): entry.checker
        for entry in ledger
        if entry.status is PreferenceStatus.ACTIVE and entry.checker is not None
    }
    found: list[Preference] = []
    for entry in ledger:
        now = in_force.get((entry.scope, entry.attribute))
        past = entry.status is PreferenceStatus.SUPERSEDED and entry.checker is not None
        if past and now not in (None, entry.checker) and entry.checker not in [old.checker for old in found]:
            assert entry.checker is not None
            if not str(entry.checker["kind"]).startswith(_NEVER_SHOWN):
                found.append(entry)
    return found


def _superseded(entry: Preference, ledger: Sequence[Preference]) -> list[Preference]:
    """The entries that this one superseded, directly or through others, nearest first."""
    found: list[Preference] = []
    names = {entry.id}
    while True:
        next_ones = [
            old for old in ledger if old.superseded_by in names and old not in found and old != entry
        ]
        if not next_ones:
            return found
        found += next_ones
        names = {old.id for old in next_ones}
