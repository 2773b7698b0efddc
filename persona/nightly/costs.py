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
    charged with this process's memory."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float | str]] = {}

    def add(self, stage: str, usage: Usage) -> None:
        self.found[stage] = {
            "seconds": round(usage.seconds, 3),
            "cpu_seconds": round(usage.cpu_seconds, 3),
            "peak_bytes": usage.peak_bytes,
            "written_bytes": usage.written_bytes,
        }

    def add_child(self, stage: str, usage: Usage, tried: Tried[object]) -> None:
        """The last try's, with what all tries before it took on the clock."""
        self.add(stage, usage)
        self.found[stage] |= {
            "paused_seconds": round(usage.paused_seconds, 3),
            "tries": tried.tries,
            "restarts": tried.restarts,
            "lost_seconds": round(tried.lost_seconds, 3),
            "fence": usage.fence,
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


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _written() -> int:
    own = psutil.Process()
    return int(own.io_counters().write_bytes) if hasattr(own, "io_counters") else 0
