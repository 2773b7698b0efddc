"""Whether a night begins now: a pure function of the clock, the past nights and the machine.

A night is begun for a local date at most once with success, and is given up for that date after a bounded
number of attempts. What could not be measured is left out of the decision, which says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from persona.schedule.circumstances import Machine, Missing, Needs, Past, Presence, Terms

_DAY = timedelta(days=1)
_PAUSE = timedelta(minutes=30)  # after an attempt that came to nothing
_BEHIND = 2  # nights missed, after which the machine is kept awake for a quiet time by day too
_MOST_YIELDS = 6  # of one night, to people who came back; each costs the work since its begin


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """`about` stays the same while `text` counts minutes: idle, hours, power, load, memory, disk, night,
    attempts, pause, settings."""

    about: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Begin the night of this date."""

    night: date
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CatchUp:
    """Begin the night of this date although its hours are over, or on behalf of `missed` nights before it."""

    night: date
    missed: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Not now. `until`: no earlier than this, if that can be known. What stands against it comes first.

    `keep_awake`: nothing is missing but a quiet machine, and mains are there; one that falls asleep now would
    sleep through its night.
    """

    night: date
    reasons: tuple[Reason, ...]
    until: datetime | None = None
    keep_awake: bool = False


Decision = Run | CatchUp | Wait


def decide(
    now: datetime, zone: tzinfo, *, terms: Terms, needs: Needs, machine: Machine, past: Past
) -> Decision:
    """`now` is aware; `zone` is where the person is, and may change between calls."""
    night = terms.window.night_of(now, zone)
    if closed := _closed(zone, night, terms, past):
        return closed
    found = _Found()
    _pause(now, past, found)
    _people(now, zone, night, terms, needs, machine, found)
    _resources(terms, needs, machine, found)
    missed = _missed(night, past)
    if found.against:
        lacking = {reason.about for reason in found.against}
        bridged = {"idle"} if missed < _BEHIND else {"idle", "hours"}
        return Wait(
            night=night,
            reasons=(*found.against, *found.left_out),
            until=max(found.untils, default=None),
            keep_awake=machine.on_mains is True and lacking <= bridged,
        )
    reasons = (*found.fine, *found.left_out)
    if missed or now >= terms.window.closing(night, zone):
        return CatchUp(night=night, missed=missed, reasons=reasons)
    return Run(night=night, reasons=reasons)


def quiet_seconds(terms: Terms, machine: Presence) -> float:
    """For a night that runs: how long nobody has wanted the machine. 0 on a battery that is to be spared,
    `inf` when nobody can be seen.
    """
    if machine.on_mains is False and not terms.on_battery:
        return 0.0
    if isinstance(machine.idle, Missing):
        return math.inf
    return machine.idle.total_seconds()


class _Found:
    """What speaks for and against, while it is collected."""

    def __init__(self) -> None:
        self.against: list[Reason] = []
        self.fine: list[Reason] = []
        self.left_out: list[Reason] = []
        self.untils: list[datetime] = []

    def say(self, about: str, text: str, *, fine: bool) -> None:
        (self.fine if fine else self.against).append(Reason(about=about, text=text))

    def leave_out(self, about: str, what: str, missing: Missing) -> None:
        self.left_out.append(Reason(about=about, text=f"{what} left out: {missing.reason}"))


def _closed(zone: tzinfo, night: date, terms: Terms, past: Past) -> Wait | None:
    """What settles the night, whatever the machine does."""
    until: datetime | None = terms.window.opening(night + _DAY, zone)
    if not terms.enabled:
        about, text, until = "settings", "switched off: [schedule] enabled is false", None
    elif night in past.done:
        about, text = "night", f"the night of {night} is done"
    elif past.skipped:
        about, text = "attempts", f"the night of {night} is skipped: {past.skipped}"
    elif past.attempts > terms.retries:
        about, text = (
            "attempts",
            f"the night of {night} failed {_times(past.attempts)}: the next one tries again",
        )
    elif past.yields >= _MOST_YIELDS:
        about, text = (
            "attempts",
            f"the night of {night} made way {_times(past.yields)}: the next one tries again",
        )
    else:
        return None
    return Wait(night=night, reasons=(Reason(about=about, text=text),), until=until)


def _pause(now: datetime, past: Past, found: _Found) -> None:
    """A last attempt in the future was written by a clock that was wrong: it delays nothing."""
    if past.last_attempt is None or not timedelta(0) <= now - past.last_attempt < _PAUSE:
        return
    found.say("pause", f"the last attempt ended {_minutes(now - past.last_attempt)} ago", fine=False)
    found.untils.append(past.last_attempt + _PAUSE)


def _people(
    now: datetime, zone: tzinfo, night: date, terms: Terms, needs: Needs, machine: Machine, found: _Found
) -> None:
    """(In hours and idle for a while) or idle for long."""
    closing = terms.window.closing(night, zone)
    hours = _hours(now, zone, night, terms, needs)
    if isinstance(machine.idle, Missing):
        found.leave_out("idle", "idle time", machine.idle)
        found.say("hours", hours.text, fine=hours.open)
        if not hours.open:
            found.untils.append(terms.window.opening(night + _DAY, zone))
        return
    idle = machine.idle
    if hours.open and idle >= terms.idle:
        found.say("hours", hours.text, fine=True)
        found.say("idle", f"idle for {_minutes(idle)}", fine=True)
        return
    if idle >= terms.long_idle:
        found.say("idle", f"idle for {_minutes(idle)}, enough at any hour", fine=True)
        return
    if not hours.open:
        found.say("hours", hours.text, fine=False)
    wanted = terms.idle if hours.open else terms.long_idle
    found.say("idle", f"idle for {_minutes(idle)} of {_minutes(wanted)}", fine=False)
    chances = [now + terms.long_idle - idle]
    quiet = now + max(terms.idle - idle, timedelta(0))
    if hours.open and quiet + needs.duration <= closing:
        chances.append(quiet)
    else:
        chances.append(max(quiet, terms.window.opening(night + _DAY, zone)))
    found.untils.append(min(chances).astimezone(UTC))


@dataclass(frozen=True, slots=True)
class _Hours:
    open: bool
    text: str


def _hours(now: datetime, zone: tzinfo, night: date, terms: Terms, needs: Needs) -> _Hours:
    """Whether the window is open for work of this length."""
    window = terms.window
    closing = window.closing(night, zone)
    about = f"about {_minutes(needs.duration)}" if needs.measured else f"perhaps {_minutes(needs.duration)}"
    if closing - window.opening(night, zone) < needs.duration:
        return _Hours(
            False, f"the hours {window} are too short for a night of {about}: widen [schedule] window"
        )
    if now >= closing:
        return _Hours(False, f"outside the hours {window}")
    if closing - now < needs.duration:
        return _Hours(False, f"{_minutes(closing - now)} are left of {window}, a night takes {about}")
    return _Hours(True, f"in the hours {window}")


def _resources(terms: Terms, needs: Needs, machine: Machine, found: _Found) -> None:
    if isinstance(machine.on_mains, Missing):
        found.leave_out("power", "power supply", machine.on_mains)
    else:
        where = "on mains" if machine.on_mains else "on battery"
        found.say("power", where, fine=machine.on_mains or terms.on_battery)
    if isinstance(machine.load, Missing):
        found.leave_out("load", "load", machine.load)
    else:
        fine = machine.load <= terms.max_load
        found.say("load", f"load {machine.load:.2f}, {terms.max_load:.2f} is allowed", fine=fine)
    memory = needs.memory_bytes if terms.min_free_memory is None else terms.min_free_memory
    _space("memory", machine.free_memory, memory, found)
    _space("disk", machine.free_disk, terms.min_free_disk, found)


def _space(about: str, free: int | Missing, wanted: int, found: _Found) -> None:
    if isinstance(free, Missing):
        found.leave_out(about, f"free {about}", free)
    else:
        text = f"{free / 1e9:.1f} GB of {about} free, {wanted / 1e9:.1f} GB needed"
        found.say(about, text, fine=free >= wanted)


def _missed(night: date, past: Past) -> int:
    """Nights since the last one that was done; 0 before the first ever."""
    before = [done for done in past.done if done < night]
    return (night - max(before)).days - 1 if before else 0


def _minutes(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 180 else f"{minutes / 60:.0f} h"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
