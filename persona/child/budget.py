"""What a child may use, and what its processes do now. Both are looked at from outside the child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """None means no limit. `memory_bytes` is resident memory of the child and all its descendants."""

    seconds: float | None = None
    memory_bytes: int | None = None

    def exceeded_by(self, *, seconds: float, memory_bytes: int) -> str | None:
        """Why a child that used this much has to end, or None."""
        if self.seconds is not None and seconds > self.seconds:
            return f"it was stopped after {seconds:.0f} s, its budget is {self.seconds:.0f} s"
        if self.memory_bytes is not None and memory_bytes > self.memory_bytes:
            return (
                f"it was stopped at {memory_bytes / 1e9:.2f} GB of memory, "
                f"its budget is {self.memory_bytes / 1e9:.2f} GB"
            )
        return None


def family_of(root: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants that live now, in whatever process group they are."""
    return [root, *root.children(recursive=True)]


def has_ended(process: psutil.Process) -> bool:
    """Whether it runs no more; its parent may not have taken notice yet."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def resident_bytes(family: Sequence[psutil.Process]) -> int:
    """Resident memory of them all; pages that they share count for each of them."""
    total = 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # ended between the listing and the question
            continue
    return total
