"""Counts nights that were missed or doubled, over years of simulated machines and people.

Each machine has a person with habits, a zone (and maybe journeys), power, a battery, days off, failures,
power cuts, and clocks that are set wrong and right again. The policy and the state that the daemon uses
decide; an account kept apart from them, in plain wall-clock arithmetic, says when a night was possible.

missed     dates on which a night was possible for two ticks on end, and none was begun
doubled    dates with two nights that came to an end
disturbed  nights begun while someone was at a machine whose idle time can be read
late       the longest time between the moment a night became possible and its begin, in minutes
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from persona.schedule.circumstances import Machine, Missing, Needs, Past, Terms
from persona.schedule.policy import CatchUp, Run, Wait, decide
from persona.schedule.state import ScheduleState, state_from_json, state_json
from persona.schedule.window import Window

TICK = timedelta(minutes=5)
DAY = timedelta(days=1)
# Zones with every kind of change: an hour, half an hour, two, a negative one, a date that never was, none.
ZONES = (
    ("Europe/Berlin", 2026), ("America/New_York", 2026), ("Australia/Lord_Howe", 2026),
    ("Antarctica/Troll", 2026), ("Africa/Casablanca", 2026), ("Pacific/Apia", 2011), ("Asia/Tehran", 2021),
    ("Pacific/Chatham", 2026), ("America/Scoresbysund", 2024), ("Asia/Gaza", 2026), ("Africa/Cairo", 2026),
    ("America/Santiago", 2026), ("Asia/Kolkata", 2026), ("Pacific/Kwajalein", 1993), ("UTC", 2026),
)  # fmt: skip
WINDOWS = ("23:00-07:00", "01:30-05:00", "02:30-06:00", "00:00-00:00", "21:00-02:00")


@dataclass
class Habits:
    """A person and a machine. Hours are the person's own, from 0 to 24."""

    comes: float
    goes: float
    laptop: bool
    probe: bool
    mains: float
    travels: bool
    clock_errors: float
    failures: float
    cuts: float

    @classmethod
    def drawn(cls, chance: random.Random) -> Habits:
        return cls(
            comes=chance.uniform(6, 11),
            goes=chance.uniform(17, 25),
            laptop=chance.random() < 0.6,
            probe=chance.random() < 0.8,
            mains=chance.choice((0.5, 0.9, 1.0)),
            travels=chance.random() < 0.2,
            clock_errors=chance.choice((0, 0, 0.02, 0.1)),
            failures=chance.choice((0, 0.05, 0.3)),
            cuts=chance.choice((0, 0.05)),
        )


@dataclass
class Day:
    """What happens on one day of real time: person at the machine, power, sleep after use, in minutes."""

    present: list[tuple[float, float]]
    mains: bool
    off: bool
    cut: float | None


def drawn_day(habits: Habits, chance: random.Random) -> Day:
    present = []
    at = habits.comes * 60 + chance.gauss(0, 60)
    while at < habits.goes * 60:
        length = chance.expovariate(1 / 50)
        present.append((at, at + length))
        at += length + chance.expovariate(1 / 40)
    return Day(
        present=present,
        mains=chance.random() < habits.mains,
        off=chance.random() < 0.06,
        cut=chance.uniform(0, 1440) if chance.random() < habits.cuts else None,
    )


@dataclass
class Account:
    """Kept in plain wall-clock arithmetic, by the date that a night belongs to."""

    possible: set[date] = field(default_factory=set)
    missed: set[date] = field(default_factory=set)
    learned: Counter[date] = field(default_factory=Counter)
    seen: set[date] = field(default_factory=set)
    late: float = 0.0
    disturbed: int = 0
    caught_up: int = 0
    made_way: int = 0
    failed: int = 0
    misnamed: int = 0
    ticks: int = 0


class World:
    """One machine, tick by tick."""

    def __init__(self, seed: int, days: int) -> None:
        self.chance = random.Random(seed)
        self.habits = Habits.drawn(self.chance)
        name, year = ZONES[seed % len(ZONES)]
        self.zone = ZoneInfo(name)
        self.home = self.zone
        self.terms = Terms(window=Window.parse(WINDOWS[seed // len(ZONES) % len(WINDOWS)]))
        self.needs = Needs(duration=timedelta(minutes=self.chance.choice((10, 40, 90))), measured=True)
        start = datetime(year, self.chance.randint(1, 12), 1, 12, tzinfo=UTC)
        if name == "Pacific/Apia":
            start = datetime(2011, 9, 1, 12, tzinfo=UTC)
        if name == "Pacific/Kwajalein":
            start = datetime(1993, 7, 1, 12, tzinfo=UTC)
        self.real, self.end = start, start + days * DAY
        self.offset = timedelta(0)
        self.state = ScheduleState()
        self.account = Account()
        self.last_used = start
        self.woke = start
        self.work: timedelta | None = None  # what is left of the night that runs
        self.night: date | None = None
        self.stretch: tuple[date, int] | None = None
        self.frozen = timedelta(0)
        self.kept_awake = False

    @property
    def now(self) -> datetime:
        return self.real + self.offset

    def run(self) -> Account:
        while self.real < self.end:
            self.day = drawn_day(self.habits, self.chance)
            self.change_clocks()
            midnight = self.real
            while self.real < midnight + DAY:
                self.step((self.real - midnight) / timedelta(minutes=1))
                self.real += TICK
        return self.account

    def change_clocks(self) -> None:
        if self.offset and self.chance.random() < 0.5:
            self.offset = timedelta(0)  # set right again
        elif self.chance.random() < self.habits.clock_errors:
            hours = self.chance.choice((1, 3, 12, 24, 24 * 5, 24 * 40))
            self.offset = self.chance.choice((-1, 1)) * timedelta(hours=hours)
        if self.habits.travels and self.chance.random() < 0.05:
            self.zone = ZoneInfo(self.chance.choice(ZONES)[0]) if self.zone is self.home else self.home

    def step(self, minute: float) -> None:
        present = any(begin <= minute < end for begin, end in self.day.present)
        if self.day.off or not self.awake(present):
            self.asleep()
            return
        if self.day.cut is not None and minute >= self.day.cut:
            self.day.cut = None
            self.restart()
        if present:
            self.last_used = self.real
        # Where nothing shows the person, what counts is the time since a request or since the machine woke.
        quiet_since = self.last_used if self.habits.probe else max(self.last_used, self.woke)
        idle = self.real - quiet_since
        self.account.ticks += 1
        if self.work is not None:
            self.work_on(present)
            return
        self.tick(idle)

    def awake(self, present: bool) -> bool:
        if present or not self.habits.laptop:
            return True
        held = self.work is not None or self.kept_awake
        return self.real - self.last_used < timedelta(minutes=20) or (held and self.day.mains)

    def asleep(self) -> None:
        """A laptop that falls asleep takes a running night along, which goes on when it wakes; one that is
        switched off ends it."""
        self.woke = self.real + TICK
        self.end_stretch()
        self.kept_awake = False
        if self.work is not None and self.day.off:
            self.finish("made_way")

    def restart(self) -> None:
        """A power cut: only what is on the disk is left."""
        self.work = None
        self.end_stretch()
        self.woke = self.real
        self.state = state_from_json(json.loads(json.dumps(state_json(self.state)))).opened(self.now)

    def work_on(self, present: bool) -> None:
        assert self.work is not None
        if present or not self.day.mains:
            self.frozen += TICK
            if self.frozen > timedelta(minutes=20):
                self.finish("made_way")
            return
        self.frozen = timedelta(0)
        self.work -= TICK
        if self.work <= timedelta(0):
            self.finish("failed" if self.chance.random() < self.habits.failures else "learned")

    def finish(self, how: str) -> None:
        assert self.night is not None
        self.work = None
        if how == "learned":
            self.state = self.state.done_with("promoted", self.now)
            self.account.learned[self.night] += 1
        elif how == "failed":
            self.state = self.state.failed("simulated", self.now)
            self.account.failed += 1
        else:
            self.state = self.state.made_way("simulated", self.now)
            self.account.made_way += 1

    def tick(self, idle: timedelta) -> None:
        machine = Machine(
            idle=idle,
            on_mains=self.day.mains,
            load=0.1,
            free_memory=Missing(reason="simulated"),
            free_disk=10**11,
        )
        named = self.terms.window.night_of(self.now, self.zone)
        past = self.state.past(named)
        decision = decide(self.now, self.zone, terms=self.terms, needs=self.needs, machine=machine, past=past)
        self.state = self.state.decided(decision, self.now)
        self.keep_account(idle, decision, past)
        self.kept_awake = isinstance(decision, Wait) and decision.keep_awake
        if isinstance(decision, Run | CatchUp):
            self.begin(decision)

    def begin(self, decision: Run | CatchUp) -> None:
        self.state = self.state.begun(decision.night, self.now)
        self.night, self.work, self.frozen = decision.night, self.needs.duration, timedelta(0)
        self.account.caught_up += isinstance(decision, CatchUp)
        self.stretch = None

    def keep_account(self, idle: timedelta, decision: Run | CatchUp | Wait, past: Past) -> None:
        """What should be, from the wall clock alone."""
        steady = self.steady()
        local = self.now.astimezone(self.zone)
        opens, closes = self.terms.window.opens, self.terms.window.closes
        night = local.date() if local.time() >= opens else local.date() - DAY
        noon = datetime.combine(night, time(12), self.zone)
        if noon.astimezone(UTC).astimezone(self.zone).date() != night:
            night -= DAY  # a date that this zone left out
        if steady:
            self.account.misnamed += night != decision.night
        night = decision.night
        self.account.seen.add(night)
        since = timedelta(hours=local.hour, minutes=local.minute) - timedelta(
            hours=opens.hour, minutes=opens.minute
        )
        length = timedelta(hours=closes.hour - opens.hour, minutes=closes.minute - opens.minute)
        left = length % DAY - since % DAY if length % DAY else DAY - since % DAY
        quiet = (left >= self.needs.duration and idle >= self.terms.idle) or idle >= self.terms.long_idle
        begins = isinstance(decision, Run | CatchUp)
        self.account.disturbed += begins and idle < self.terms.idle
        rested = past.last_attempt is None or abs(self.now - past.last_attempt) >= timedelta(minutes=30)
        open_night = (
            not self.account.learned[night]
            and past.attempts <= self.terms.retries
            and past.yields < 6
            and rested
        )
        if not (quiet and self.day.mains and open_night and steady):
            self.end_stretch()
            return
        if self.stretch and self.stretch[0] != night:
            self.end_stretch()
        before = self.stretch[1] if self.stretch else 0
        self.stretch = (night, before + 1)
        self.account.possible.add(night)
        if begins:
            self.account.late = max(self.account.late, before * TICK / timedelta(minutes=1))

    def end_stretch(self) -> None:
        """A night stays possible no longer, and none was begun."""
        if self.stretch and self.stretch[1] > 1:
            self.account.missed.add(self.stretch[0])
        self.stretch = None

    def steady(self) -> bool:
        """No change of the zone's offset around now, where wall-clock arithmetic is not to be trusted."""
        before, after = ((self.now + side * timedelta(hours=13)).astimezone(self.zone) for side in (-1, 1))
        return before.utcoffset() == after.utcoffset()


def simulate(days: int, *, machines: int, seed: int) -> dict[str, Any]:
    began = perf_counter()
    total = Account()
    dates = learned = possible = missed = doubled = 0
    for number in range(machines):
        account = World(seed * 1_000_003 + number, days // machines).run()
        dates += len(account.seen)
        learned += sum(1 for count in account.learned.values() if count)
        possible += len(account.possible)
        missed += len(account.missed)
        doubled += sum(1 for count in account.learned.values() if count > 1)
        for name in ("disturbed", "caught_up", "made_way", "failed", "misnamed", "ticks"):
            setattr(total, name, getattr(total, name) + getattr(account, name))
        total.late = max(total.late, account.late)
    return {
        "days": days // machines * machines,
        "machines": machines,
        "seed": seed,
        "dates": dates,
        "possible": possible,
        "learned": learned,
        "missed": missed,
        "doubled": doubled,
        "misnamed": total.misnamed,
        "disturbed": total.disturbed,
        "late_minutes": total.late,
        "caught_up": total.caught_up,
        "made_way": total.made_way,
        "failed": total.failed,
        "ticks": total.ticks,
        "seconds": round(perf_counter() - began, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=10_000, help="of all machines together")
    parser.add_argument("--machines", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = simulate(options.days, machines=options.machines, seed=options.seed)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for name, value in found.items():
            print(f"{name:14} {value}")
    wrong = found["missed"] + found["doubled"] + found["misnamed"] + found["disturbed"]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
