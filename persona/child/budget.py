"""What a child may use, and what its processes used. Both are looked at from outside the child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import psutil


class Resource(StrEnum):
    TIME = "time"
    MEMORY = "memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Excess:
    """Which budget is spent, and the half sentence that says so."""

    of: Resource
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """None means no limit.

    seconds: of work; the time that a child stands still for the user does not count.
    total_seconds: from start to end, standing still included.
    memory_bytes: resident memory of the child and all its descendants.
    file_bytes: the largest file that the child may write.
    idle: the processor only when nothing else wants it; otherwise merely a low priority.
    """

    seconds: float | None = None
    total_seconds: float | None = None
    memory_bytes: int | None = None
    file_bytes: int | None = None
    idle: bool = False

    def exceeded_by(self, usage: Usage) -> Excess | None:
        """Why a child that used this much has to end, or None."""
        if self.memory_bytes is not None and usage.resident_bytes > self.memory_bytes:
            return Excess(
                of=Resource.MEMORY,
                why=f"it was stopped at {usage.resident_bytes / 1e9:.2f} GB of memory, "
                f"its budget is {self.memory_bytes / 1e9:.2f} GB",
            )
        if self.seconds is not None and usage.seconds > self.seconds:
            return Excess(
                of=Resource.TIME,
                why=f"it was stopped after {usage.seconds:.0f} s, its budget is {self.seconds:.0f} s",
            )
        total = usage.seconds + usage.paused_seconds
        if self.total_seconds is not None and total > self.total_seconds:
            return Excess(
                of=Resource.TIME,
                why=f"it was stopped after {total:.0f} s, {usage.paused_seconds:.0f} s of them standing "
                f"still for you; its limit is {self.total_seconds:.0f} s",
            )
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a child and its descendants used, sampled five times a second.

    seconds: of work on the clock; paused_seconds: it stood still for the user. cpu_seconds: of all threads.
    peak_bytes, resident_bytes: resident memory, the most and the last; pages that processes share count for
    each. written_bytes: sent to the disk; 0 where the system does not say. fence: what kept its memory beside
    these samples, or "none" and why.
    """

    seconds: float = 0.0
    paused_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    resident_bytes: int = 0
    written_bytes: int = 0
    fence: str = ""


class Meter:
    """Adds up what a family of processes used, those that ended in between included."""

    def __init__(self) -> None:
        self._cpu: dict[psutil.Process, float] = {}
        self._written: dict[psutil.Process, int] = {}
        self._peak = 0

    def read(self, family: Sequence[psutil.Process], *, seconds: float, paused_seconds: float) -> Usage:
        """What the family used until now; `family` are those of its processes that live."""
        resident = 0
        for process in family:
            try:
                with process.oneshot():
                    resident += process.memory_info().rss
                    times = process.cpu_times()
                    self._cpu[process] = times.user + times.system
                    if hasattr(process, "io_counters"):
                        self._written[process] = process.io_counters().write_bytes
            except (
                psutil.NoSuchProcess,
                psutil.AccessDenied,
            ):  # it ended, or is a zombie
                continue
        self._peak = max(self._peak, resident)
        return Usage(
            seconds=seconds,
            paused_seconds=paused_seconds,
            cpu_seconds=sum(self._cpu.values()),
            peak_bytes=self._peak,
            resident_bytes=resident,
            written_bytes=sum(self._written.values()),
        )


def family_of(root: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants that live now, in whatever process group they are."""
    return [root, *root.children(recursive=True)]


def has_ended(process: psutil.Process) -> bool:
    """Whether it runs no more; its parent may not have taken notice yet."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
