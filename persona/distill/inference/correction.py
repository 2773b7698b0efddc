"""Many candidates are tested, and some would pass by chance: how small a p has to be.

Tarone's correction (1990) of Bonferroni: a test with so few votes that it could not pass does not count among
the many. That is why eight clear edits are enough for a style, and a hundred candidates do not drown it.
"""

from __future__ import annotations

from collections.abc import Iterable

ERROR_RATE = 0.02  # of a user without any preference being told to have one; low, since every night asks anew


def threshold(least: Iterable[float]) -> float:
    """The p at or below which a test passes, so that all of them together err at ERROR_RATE at most.

    `least` has the smallest p that each of the tests could have had.
    """
    smallest = sorted(least)
    for count in range(1, len(smallest) + 1):
        limit = ERROR_RATE / count
        if sum(p <= limit for p in smallest) <= count:
            return limit
    return ERROR_RATE / max(1, len(smallest))
