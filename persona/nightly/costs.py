"""What each stage of a night cost: time, processor, memory, disk, and tries."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from persona.child import Usage
from persona.nightly.tries import Tried


class Costs:
    """`found` is plain JSON: by stage, seconds, cpu_seconds, peak_bytes, written_bytes; of children also
    paused_seconds, tries, restarts, lost_seconds and the fence of their memory. A stage in this process is
    charged with this process's memory. What a night does twice is one stage: added up, but for
    peaks and tries, of which the larger counts."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float | str]] = {}

    def add(self, stage: str, usage: Usage) -> None:
        self._add(stage, _own(usage))

    def add_child(self, stage: str, usage: Usage, tried: Tried[object]) -> None:
        """The last try's, with what all tries before it took on the clock."""
        self._add(
            stage,
            {
                **_own(usage),
                "paused_seconds": usage.paused_seconds,
                "tries": tried.tries,
                "restarts": tried.restarts,
                "lost_seconds": tried.lost_seconds,
                "fence": usage.fence,
            },
        )

    def _add(self, stage: str, more: dict[str, float | str]) -> None:
        found = self.found.get(stage, {})
        self.found[stage] = {
            name: round(_joined(name, found.get(name), value), 3) if isinstance(value, float | int) else value
            for name, value in more.items()
        }

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began, cpu, written = time.monotonic(), _cpu_seconds(), _written()
        yield
        self.add(
            name,
            Usage(
                seconds=time.monotonic() - began,
                cpu_seconds=_cpu_seconds() - cpu,
                peak_bytes=psutil.Process().memory_info().rss,
                written_bytes=_written() - written,
            ),
        )


def _own(usage: Usage) -> dict[str, float | str]:
    return {
        "seconds": usage.seconds,
        "cpu_seconds": usage.cpu_seconds,
        "peak_bytes": usage.peak_bytes,
        "written_bytes": usage.written_bytes,
    }


def _joined(name: str, before: float | str | None, more: float) -> float:
    if not isinstance(before, float | int):
        return more
    return max(before, more) if name in ("peak_bytes", "tries") else before + more


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _written() -> int:
    own = psutil.Process()
    return int(own.io_counters().write_bytes) if hasattr(own, "io_counters") else 0
