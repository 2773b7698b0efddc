"""A week of a person and a laptop, ten minutes a tick: what the clock of the nights sees of them.

The person is there from 8 to 12 and from 15 to 22:30, and talks to persona at 20:00. On the third day the
cable is out until 6:00 in the morning, on the fifth the lid is closed at 22:40 and opened at 9:00; in the
fourth night the person comes back in the middle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from persona.schedule.circumstances import Machine, Missing
from persona.schedule.probes import Panel, Reading, Sources
from persona.schedule.probes.traffic import OwnTraffic

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 2)  # the sample week's
STEP = timedelta(minutes=10)
DAY = timedelta(days=1)
UNPLUGGED, DISTURBED, LID_CLOSED = (MONDAY + n * DAY for n in (2, 3, 4))
BEGIN = datetime.combine(MONDAY, clock_time(15), ZONE).astimezone(UTC)
END = datetime.combine(MONDAY + 7 * DAY, clock_time(18), ZONE).astimezone(UTC)
_PRESENT = ((8.0, 12.0), (15.0, 22.5))
_TALKS_AT = 20.0


@dataclass
class Week:
    """Time passes with every reading of the panel, and as long as a night takes. `talk` is what the person
    says on a date. The clock's ticks come from one thread; everything else may be asked from any."""

    talk: Callable[[date], None]
    now: datetime = BEGIN
    notes: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._last_used = self.now
        self._came = False
        self.traffic = OwnTraffic(self._seconds)

    def _seconds(self) -> float:
        return self.now.timestamp()

    @property
    def local(self) -> datetime:
        return self.now.astimezone(ZONE)

    @property
    def _hour(self) -> float:
        return self.local.hour + self.local.minute / 60

    def pass_by(self) -> None:
        """Ten minutes; a closed lid sleeps through more."""
        before = self.local.date(), self._hour
        self.now += STEP
        if self.local.date() == LID_CLOSED and self._hour >= 22.7:
            self.now += timedelta(hours=10, minutes=20)
        if any(begin <= self._hour < end for begin, end in _PRESENT):
            self._last_used = self.now
        if before[1] < _TALKS_AT <= self._hour and before[0] == self.local.date():
            self.talk(self.local.date())
            self.traffic.touch()
        if self.now >= END:
            self.over.set()

    def night_took(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self._came = False  # to bed again, if not before

    def come_back(self, seconds: float) -> None:
        """Someone is at the machine from now on, for this long on the clock of the wall."""
        self._came = True

        def leave() -> None:
            time.sleep(seconds)
            self._came = False

        threading.Thread(target=leave, name="person", daemon=True).start()

    @property
    def idle(self) -> timedelta:
        return timedelta(0) if self._came else self.now - self._last_used

    @property
    def on_mains(self) -> bool:
        unplugged = datetime.combine(UNPLUGGED, clock_time(18), ZONE)
        return not unplugged <= self.now < unplugged + timedelta(hours=12)

    def panel(self) -> Panel:
        return Passing(
            self,
            Sources(
                idle=[Simulated("the person", lambda: self.idle), self.traffic],
                on_mains=[Simulated("the cable", lambda: self.on_mains)],
                load=[Simulated("load", lambda: 0.05)],
                free_memory=[Simulated("memory", lambda: 10**12)],
                free_disk=[Simulated("disk", lambda: 10**12)],
            ),
        )

    def show(self, text: str) -> Missing | None:
        self.notes.append(text)
        return None

    def hold(self) -> None:
        """Nothing falls asleep here by itself."""

    def let_go(self) -> None:
        """Nothing was held."""


class Passing(Panel):
    """With every reading time passes."""

    def __init__(self, week: Week, sources: Sources) -> None:
        super().__init__(sources)
        self._week = week

    def read(self) -> Machine:
        self._week.pass_by()
        return super().read()


@dataclass(frozen=True)
class Simulated:
    """One source of one quantity."""

    name: str
    ask: Callable[[], object]

    def read(self) -> Reading[object]:
        return Reading(self.ask())
