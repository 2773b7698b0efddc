"""A background scheduler that ticks through sleep and changes of the clock, in either direction.

APScheduler waits until the wall clock shows a time. Set back by a day, it would wait a day; so whatever lies
further ahead than an interval is made due at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

_log = logging.getLogger("persona.schedule")
_NAMES = {
    EVENT_JOB_ERROR: "failed",
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_MAX_INSTANCES: "overtaken",  # the one before had not ended
}


class Ticker:
    """Calls functions again and again. Calls that were due while the machine slept become one."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(_NAMES.values(), 0)
        """Ticks that did not do their work, by what happened."""
        self._scheduler = _SteadyScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(
            self._count, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES
        )

    def every(self, interval: timedelta, call: Callable[[], None], name: str) -> None:
        """Call it at the start and after every `interval`. Before `start`."""
        self._scheduler.add_job(
            call, "interval", seconds=interval.total_seconds(), id=name, next_run_time=datetime.now(UTC)
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Waits for calls that have begun. Idempotent."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _count(self, event: Any) -> None:
        what = _NAMES[event.code]
        self.counts[what] += 1
        error = getattr(event, "exception", None)
        _log.error("schedule: %s was %s%s", event.job_id, what, f": {error}" if error else "", exc_info=error)


class _SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # apscheduler has no types
    def _process_jobs(self) -> float | None:
        wait: float | None = super()._process_jobs()
        now = datetime.now(UTC)
        jobs = [job for job in self.get_jobs() if isinstance(job.trigger, IntervalTrigger)]
        ahead = [job for job in jobs if job.next_run_time - now > job.trigger.interval]
        for job in ahead:
            _log.warning("schedule: the clock was set back; %s runs now", job.id)
            job.modify(next_run_time=now)
        return 0.0 if ahead else wait
