"""A week of nights, unattended: the sample week day by day, each night with the real trainer.

Machine, person and time are simulated (scripts/simulated_week.py). The clock that begins the nights, its
ticker, policy and record, and the nights themselves, in their children on the starter base, are the real
ones, with a small recipe. A line a night: what was decided and when, how it ended, what it took and why. What
is wrong afterwards is said, and then the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from night_place import make_home, make_night, small_recipe, starter
from simulated_week import DAY, DISTURBED, MONDAY, STEP, ZONE, Week

import persona.nightly
from adapters import Registry
from persona.capture.interchange import import_file
from persona.child import Pause
from persona.costs import total
from persona.nightly import NightResult
from persona.paths import Home
from persona.schedule.circumstances import Terms
from persona.schedule.clock import NightClock, Parts
from persona.schedule.leash import Leash, NightEnd
from persona.schedule.state import ScheduleFile
from persona.schedule.window import Window
from store import Store
from store.records import Run

TICK = timedelta(milliseconds=100)  # on the wall's clock; ten minutes of the week
QUIET = 2.0  # seconds until a night goes on after a person has left
STAY = 4.0
GOOD = ("promoted", "rejected")
SAMPLES = Path(__file__).parent.parent / "samples" / "week.jsonl"

Work = Callable[[Leash, Callable[[Mapping[str, Any]], None]], NightResult]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4, help="of each training")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args()
    for name in ("apscheduler.scheduler", "persona.schedule"):  # ticks that come too soon are counted
        logging.getLogger(name).addFilter(
            lambda record: not re.search("overtaken|skipped: maximum", record.getMessage())
        )
    with tempfile.TemporaryDirectory(prefix="persona-week-") as scratch:
        found = real_week(Path(scratch), steps=options.steps, say=_quiet if options.json else _say)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{len(found['nights'])} nights, {found['seconds']} s; notes: {len(found['notes'])}")
        print("\n".join(found["violations"]) or "nothing is wrong")
    return 1 if found["violations"] else 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One night: `began` in the person's zone, `why` the first reason of its end, `seconds` on the wall."""

    night: str
    decision: str
    began: str
    state: str
    revision: str | None
    why: str
    seconds: float
    stood_still: float = 0.0

    def __str__(self) -> str:
        still = f", stood still {self.stood_still:.0f} s" if self.stood_still else ""
        made = f" {self.revision}" if self.revision else ""
        begun = f"{self.night}  {self.decision:8} {self.began}"
        return f"{begun}  {self.state}{made}, {self.seconds:.0f} s{still}: {self.why}"


@dataclass
class Nights:
    """Runs each night with `work` and writes its line."""

    week: Week
    file: ScheduleFile
    work: Work
    say: Callable[[str], None]
    lines: list[Line] = field(default_factory=list)

    def __call__(self, leash: Leash) -> NightEnd:
        state = self.file.read()
        decision, tonight = state.last_decision, state.tonight
        assert decision is not None
        assert tonight is not None
        began, disturbed = time.monotonic(), []

        def hear(event: Mapping[str, Any]) -> None:
            training = event.get("stage") == "train" and event.get("step") == "train"
            if training and tonight.night == DISTURBED and not disturbed:
                disturbed.append(event)
                self.week.come_back(STAY)

        given = {
            "night": tonight.night.isoformat(),
            "decision": decision.kind,
            "began": f"{self.week.local:%a %H:%M}",
        }
        try:
            end = self.work(leash, hear)
        except BaseException as error:
            self._write(given, began, state="failed", revision=None, why=str(error) or type(error).__name__)
            raise
        self._write(
            given, began, state=str(end.outcome), revision=end.revision, why=next(iter(end.reasons), ""),
            stood_still=round(total(end.costs, "paused_seconds"), 1),
        )  # fmt: skip
        return end

    def _write(self, given: Mapping[str, str], began: float, **rest: Any) -> None:
        seconds = time.monotonic() - began
        self.week.night_took(seconds)
        self.lines.append(Line(**given, **rest, seconds=round(seconds, 1)))
        self.say(str(self.lines[-1]))


def live(
    week: Week,
    file: ScheduleFile,
    work: Work,
    runs: Callable[[], list[Run]],
    *,
    say: Callable[[str], None],
    tick: timedelta = TICK,
) -> tuple[list[Line], dict[str, Any]]:
    """The whole week; what each night came to, and the clock's state at its end."""
    nights = Nights(week=week, file=file, work=work, say=say)
    clock = NightClock(
        Parts(
            terms=Terms(window=Window.parse("23:00-07:00")),
            presence=QUIET,
            file=file,
            panel=week.panel(),
            traffic=week.traffic,
            wakefulness=week,
            note=week,
            runs=runs,
            night=nights,
            now=lambda: week.now,
            zone=lambda: ZONE,
            tick=tick,
        )
    )
    clock.start()
    try:
        week.over.wait()
    finally:
        clock.stop()
    return nights.lines, clock.status()


def wrong(lines: list[Line], file: ScheduleFile, notes: list[str]) -> list[str]:
    """What a week of nights must not leave: a date without a good night or with two, or a person who was not
    told or not made way for."""
    dates = [(MONDAY + n * DAY).isoformat() for n in range(7)]
    done = [night.isoformat() for night in file.read().done]
    good = [line.night for line in lines if line.state in GOOD]
    found = [f"{night}: no night" for night in dates if night not in good]
    found += [f"{night}: {good.count(night)} nights" for night in set(good) if good.count(night) > 1]
    found += [f"{line.night}: {line.state}: {line.why}" for line in lines if line.state not in GOOD]
    if sorted(done) != sorted(good):
        found.append(f"on record are {done}")
    if not all(line.stood_still for line in lines if line.night == DISTURBED.isoformat()):
        found.append(f"{DISTURBED}: it did not stand still for who came back")
    if len(notes) != len(good):
        found.append(f"{len(notes)} notes about {len(good)} nights")
    return found


def real_week(scratch: Path, *, steps: int, say: Callable[[str], None]) -> dict[str, Any]:
    base = starter()
    home = make_home(scratch / "home", base, conversations=0)
    paths = home.identity("me")
    days = by_day(scratch)
    began = time.monotonic()

    def talk(on: date) -> None:
        if on in days:
            with Store.open(paths.store) as store:
                import_file(store, days[on])

    week = Week(talk)

    def work(leash: Leash, hear: Callable[[Mapping[str, Any]], None]) -> NightResult:
        night = make_night(
            home, base, small_recipe(steps), on_progress=hear, cancel=leash.cancel, now=lambda: week.now,
            pause=Pause(idle_seconds=leash.idle_seconds, quiet_seconds=QUIET),
        )  # fmt: skip
        try:
            return persona.nightly.run_night(night)
        finally:
            night.store.close()

    def runs() -> list[Run]:
        with Store.open(paths.store) as store:
            return list(store.runs.recent(30))

    lines, state = live(week, ScheduleFile(paths.schedule), work, runs, say=say)
    return {
        "nights": [asdict(line) for line in lines],
        "notes": week.notes,
        "ticks": {"of_minutes": STEP / timedelta(minutes=1), **state["ticks"]},
        "seconds": round(time.monotonic() - began, 1),
        "violations": wrong(lines, ScheduleFile(paths.schedule), week.notes) + not_intact(home),
    }


def not_intact(home: Home) -> list[str]:
    paths = home.identity("me")
    with Store.open(paths.store) as store:
        found = [str(problem) for problem in store.verify()]
        found += [f"{run.id} has no end" for run in store.runs.open_runs()]
    registry = Registry.open(paths.adapters)
    found += [str(problem) for problem in registry.verify(deep=True)]
    left = [file.name for file in home.runs.rglob("*") if file.is_file() and file.suffix != ".log"]
    return found + [f"{name} was left" for name in left]


def by_day(scratch: Path) -> dict[date, Path]:
    """The sample week as one file a day."""
    days: dict[date, Path] = {}
    for line in SAMPLES.read_text(encoding="utf-8").splitlines(keepends=True):
        on = date.fromisoformat(json.loads(line)["at"][:10])
        days.setdefault(on, scratch / f"{on}.jsonl")
        with days[on].open("a", encoding="utf-8") as file:
            file.write(line)
    return days


def _say(line: str) -> None:
    print(line, flush=True)


def _quiet(line: str) -> None:
    del line


if __name__ == "__main__":
    sys.exit(main())
