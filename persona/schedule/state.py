"""What the scheduler remembers, in one small file of the identity: durable before a night begins, bounded.

A night that was begun and has no end was cut off; `opened` turns it into an attempt that failed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from adapters.durable import write_file
from persona.errors import Damaged
from persona.schedule.circumstances import Past
from persona.schedule.policy import CatchUp, Decision, Reason, Run, Wait

_FORMAT = 1
_KEPT_NIGHTS = 400  # dates; more than a year, so that no plausible change of the clock meets one again
_KEPT_ENTRIES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of the log. `kind`: wait, run, catch_up (decisions); begun, and what nights ended as."""

    at: datetime
    kind: str
    night: date
    reasons: tuple[Reason, ...] = ()
    until: datetime | None = None

    @classmethod
    def of(cls, decision: Decision, now: datetime) -> Entry:
        match decision:
            case Run():
                kind, until = "run", None
            case CatchUp():
                kind, until = "catch_up", None
            case Wait():
                kind, until = "wait", decision.until
        return cls(at=now, kind=kind, night=decision.night, reasons=decision.reasons, until=until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tonight:
    """The attempts of one night; `begun` is set while one runs, `skipped` says why no other is to follow."""

    night: date
    attempts: int = 0
    yields: int = 0
    last: datetime | None = None
    begun: datetime | None = None
    skipped: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleState:
    """`done` in the order in which they were done, `log` oldest first. `untold` is a note that waits for
    someone to be there."""

    done: tuple[date, ...] = ()
    tonight: Tonight | None = None
    log: tuple[Entry, ...] = ()
    untold: str = ""

    def past(self, night: date) -> Past:
        """What the policy has to know when `night` is the night of now."""
        mine = self.tonight if self.tonight and self.tonight.night == night else Tonight(night=night)
        return Past(
            done=frozenset(self.done),
            attempts=mine.attempts,
            yields=mine.yields,
            last_attempt=self.tonight.last if self.tonight else None,
            skipped=mine.skipped,
        )

    @property
    def last_decision(self) -> Entry | None:
        return next(
            (entry for entry in reversed(self.log) if entry.kind in ("wait", "run", "catch_up")), None
        )

    def decided(self, decision: Decision, now: datetime) -> ScheduleState:
        """Unchanged while the decision stays the same in kind, night and subjects."""
        new = Entry.of(decision, now)
        old = self.last_decision
        if old and (old.kind, old.night, _subjects(old)) == (new.kind, new.night, _subjects(new)):
            return self
        return _logged(self, new)

    def begun(self, night: date, now: datetime) -> ScheduleState:
        """An attempt counts from its begin: one that a power cut ends is not forgotten."""
        mine = self.tonight if self.tonight and self.tonight.night == night else Tonight(night=night)
        mine = replace(mine, attempts=mine.attempts + 1, begun=now, skipped="")
        return _logged(replace(self, tonight=mine), Entry(at=now, kind="begun", night=night))

    def done_with(self, outcome: str, now: datetime) -> ScheduleState:
        """The night came to a good end; its date is never begun again. Why is in the store, from where
        forgetting takes it."""
        mine = self._running()
        done = (*(night for night in self.done if night != mine.night), mine.night)[-_KEPT_NIGHTS:]
        return _ended(replace(self, done=done), mine, outcome, "`persona report` says why", now)

    def failed(self, why: str, now: datetime) -> ScheduleState:
        return _ended(self, self._running(), "failed", why, now)

    def skipped(self, advice: str, now: datetime) -> ScheduleState:
        """Another attempt would fail as this one did: its date is given up, until somebody asks."""
        return _ended(self, replace(self._running(), skipped=advice), "skipped", advice, now)

    def made_way(self, why: str, now: datetime) -> ScheduleState:
        """For a person, a shutdown or another process: no failure of the night's own."""
        mine = self._running()
        mine = replace(mine, attempts=mine.attempts - 1, yields=mine.yields + 1)
        return _ended(self, mine, "made_way", why, now)

    def opened(self, now: datetime) -> ScheduleState:
        """As a new process finds it."""
        if self.tonight is None or self.tonight.begun is None:
            return self
        return self.failed("cut off before its end", now)

    def _running(self) -> Tonight:
        if self.tonight is None or self.tonight.begun is None:
            raise ValueError("no night was begun")
        return self.tonight


def _ended(state: ScheduleState, mine: Tonight, kind: str, why: str, now: datetime) -> ScheduleState:
    entry = Entry(at=now, kind=kind, night=mine.night, reasons=(Reason(about="night", text=why),))
    return _logged(replace(state, tonight=replace(mine, begun=None, last=now)), entry)


def _logged(state: ScheduleState, entry: Entry) -> ScheduleState:
    return replace(state, log=(*state.log, entry)[-_KEPT_ENTRIES:])


def _subjects(entry: Entry) -> tuple[str, ...]:
    return tuple(reason.about for reason in entry.reasons)


@dataclass(frozen=True, slots=True)
class ScheduleFile:
    """The state on disk. One process writes it; any may read."""

    path: Path

    def read(self) -> ScheduleState:
        """Empty when there is none; Damaged when it is not what `write` wrote."""
        try:
            return state_from_json(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return ScheduleState()
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(
                self.path, f"not a schedule ({error})", "remove it: the next night writes a new one"
            ) from None

    def set_aside(self) -> Path:
        """Keep a file that `read` calls damaged under another name, for someone to look at."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        write_file(aside, self.path.read_bytes())
        return aside

    def write(self, state: ScheduleState) -> None:
        """Durable on return, whole or not at all. The folder must exist."""
        write_file(self.path, json.dumps(state_json(state), ensure_ascii=False, indent=1).encode())


def state_json(state: ScheduleState) -> dict[str, Any]:
    mine = state.tonight
    return {
        "format": _FORMAT,
        "done": [night.isoformat() for night in state.done],
        "tonight": None
        if mine is None
        else {
            "night": mine.night.isoformat(),
            "attempts": mine.attempts,
            "yields": mine.yields,
            "last": _text(mine.last),
            "begun": _text(mine.begun),
            "skipped": mine.skipped,
        },
        "log": [entry_json(entry) for entry in state.log],
        "untold": state.untold,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "night": entry.night.isoformat(),
        "reasons": [{"about": reason.about, "text": reason.text} for reason in entry.reasons],
        "until": _text(entry.until),
    }


def state_from_json(json_form: Mapping[str, Any]) -> ScheduleState:
    if json_form["format"] != _FORMAT:
        raise ValueError(f"format {json_form['format']!r}")
    mine = json_form["tonight"]
    return ScheduleState(
        done=tuple(map(date.fromisoformat, json_form["done"])),
        tonight=None
        if mine is None
        else Tonight(
            night=date.fromisoformat(mine["night"]),
            attempts=int(mine["attempts"]),
            yields=int(mine["yields"]),
            last=_instant(mine["last"]),
            begun=_instant(mine["begun"]),
            skipped=str(mine.get("skipped", "")),  # not in the first files
        ),
        log=tuple(map(_entry, json_form["log"])),
        untold=str(json_form.get("untold", "")),
    )


def _entry(json_form: Mapping[str, Any]) -> Entry:
    at = _instant(json_form["at"])
    if at is None:
        raise ValueError("an entry without a time")
    return Entry(
        at=at,
        kind=str(json_form["kind"]),
        night=date.fromisoformat(json_form["night"]),
        reasons=tuple(Reason(about=str(r["about"]), text=str(r["text"])) for r in json_form["reasons"]),
        until=_instant(json_form["until"]),
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text}: a time without a zone")
    return at
