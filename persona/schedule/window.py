"""The hours of the night, and which night an instant belongs to, in any zone and across every clock change.

Nights follow each other without gap or overlap: night D begins when the window opens on the local date D and
lasts until it opens on the next. A time that the clock skips is when an unchanged clock would show it; of one
that it repeats, the first opens and the second closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Local wall-clock times. One that closes no later than it opens closes on the next date."""

    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> Window:
        """ "23:00-07:00"; ValueError for anything else."""
        opens, _, closes = text.partition("-")
        return cls(opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))

    def opening(self, night: date, zone: tzinfo) -> datetime:
        """The instant, in UTC, at which `night` begins."""
        return _instant(night, self.opens, zone, fold=0)

    def closing(self, night: date, zone: tzinfo) -> datetime:
        """The instant, in UTC, at which the hours of `night` end; never after the next night's begin."""
        on = night if self.closes > self.opens else night + _DAY
        return min(_instant(on, self.closes, zone, fold=1), self.opening(night + _DAY, zone))

    def night_of(self, now: datetime, zone: tzinfo) -> date:
        """The local date that names the night which `now` belongs to, by day too."""
        night = now.astimezone(zone).date() + _DAY
        while self.opening(night, zone) > now:
            night -= _DAY
        return night

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


@lru_cache(maxsize=256)  # asked again with every tick of a day
def _instant(on: date, at: time, zone: tzinfo, *, fold: int) -> datetime:
    """Of a time that the clock skips, the instant at which a clock that was not changed would show it."""
    before = datetime.combine(on, at, zone).replace(fold=fold)
    exists = before.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == before.replace(tzinfo=None)
    return before.replace(fold=before.fold if exists else 0).astimezone(UTC)
