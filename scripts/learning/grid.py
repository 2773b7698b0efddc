"""Which cells are wanted, in which order, and until when a new one may begin."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from learning.cells import Case
from persona.errors import BadInput


def cases(
    *, arms: Sequence[str], people: Sequence[str], nights: Sequence[int], seeds: Sequence[int]
) -> list[Case]:
    """All arms of a night side by side, so that whatever cuts the run short leaves arms that compare."""
    return [
        Case(arm=arm, person=person, night=night, seed=seed)
        for seed in seeds
        for person in people
        for night in sorted(nights)
        for arm in arms
    ]


class Deadline:
    """Over after so many minutes; None is never."""

    def __init__(self, minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = None if minutes is None else clock() + minutes * 60

    def over(self) -> bool:
        return self._ends is not None and self._clock() >= self._ends

    def left(self) -> float | None:
        """In minutes; None: for ever."""
        return None if self._ends is None else max(0.0, (self._ends - self._clock()) / 60)


def numbers(text: str) -> tuple[int, ...]:
    """ "1-3,6" -> 1, 2, 3, 6. Raises BadInput."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            found += range(int(first), int(last if dash else first) + 1)
        except ValueError:
            raise BadInput(f"{text!r}: give numbers as in 1-3,6") from None
    if not found:
        raise BadInput(f"{text!r} holds no number")
    return tuple(dict.fromkeys(found))


def names(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """ "a,b" -> a, b, in the order of `known`; "all" is all of them. Raises BadInput."""
    asked = [part.strip() for part in text.split(",")]
    if asked == ["all"]:
        return tuple(known)
    for name in asked:
        if name not in known:
            raise BadInput(f"{name!r}: known are {', '.join(known)}")
    return tuple(name for name in known if name in asked)
