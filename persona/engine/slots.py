"""Which slot of llama.cpp answers a prompt: the one whose talk goes on, and not one whose talk would be lost.

llama.cpp's own choice goes by how much of the prompt a slot knows already, so that two talks which share no
more than a system prompt drive each other out while other slots are empty.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Slot:
    """`known` is the prompt that was computed in it last."""

    number: int
    known: Sequence[int] = field(default_factory=list)
    used: int = 0
    busy: bool = False


class Slots:
    """Thread-safe. Whoever asks has made sure that a slot is free."""

    def __init__(self, count: int) -> None:
        self._slots = [_Slot(number) for number in range(count)]
        self._lock = threading.Lock()
        self._clock = 0

    @contextmanager
    def holding(self, tokens: Sequence[int]) -> Iterator[int]:
        """The number of a free slot for this prompt."""
        with self._lock:
            slot = self._best([slot for slot in self._slots if not slot.busy], tokens)
            slot.busy = True
            slot.known = []  # as long as nobody knows how far the answer gets
        try:
            yield slot.number
            slot.known = tokens
        finally:
            with self._lock:
                self._clock += 1
                slot.used, slot.busy = self._clock, False

    @staticmethod
    def _best(free: list[_Slot], tokens: Sequence[int]) -> _Slot:
        """What a slot saves against what it loses; the one that was used longest ago if all lose more."""
        gains = {slot.number: _gain(slot.known, tokens) for slot in free}
        most = max(gains.values())
        if most < 0:
            return min(free, key=lambda slot: slot.used)
        return min((slot for slot in free if gains[slot.number] == most), key=lambda slot: slot.used)


def _gain(known: Sequence[int], tokens: Sequence[int]) -> int:
    """Tokens that need not be computed again, less those that the slot would forget."""
    same = 0
    for old, new in zip(known, tokens, strict=False):
        if old != new:
            break
        same += 1
    return same - (len(known) - same)
