"""Cells -> figures: means over people, intervals of rates; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from learning.cells import Cell, pooled
from persona.report import Rate

_FEWEST_PEOPLE = 3
_DRAWS = 10_000
_Z = 1.959964  # of a two-sided interval of 95 %


def wilson(rate: Rate) -> tuple[float, float] | None:
    """Wilson's score interval of 95 % (JASA 22, 1927); None when nothing was asked."""
    if not rate.asked:
        return None
    n, share = rate.asked, rate.passed / rate.asked
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """`mean` is over people, each counted once; `rate` has all prompts together, `interval` is its Wilson's.

    The interval takes prompts for independent, which those of one person are not quite.
    """

    mean: float | None
    rate: Rate
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """One arm after one night, over its people and seeds. A number that nobody measured is None.

    able: the capability suite, all parts. seconds: of training; judging: of measuring. accepted: verdicts
    that promoted, of those that were given.
    """

    arm: str
    night: int
    cells: int
    people: int
    adoption: Share
    retention: Share
    residue: Share
    calls: Share
    able: Share
    drift: float | None
    bytes: float | None
    seconds: float | None
    judging: float | None
    accepted: Rate


def summaries(cells: Sequence[Cell], arms: Sequence[str]) -> list[Summary]:
    """By arm, in the order given, and night."""
    nights = sorted({cell.case.night for cell in cells})
    found = []
    for arm in arms:
        for night in nights:
            group = [cell for cell in cells if (cell.case.arm, cell.case.night) == (arm, night)]
            if group:
                found.append(_summary(arm, night, group))
    return found


def in_common(cells: Sequence[Cell], arms: Sequence[str]) -> list[Cell]:
    """Only what every arm has: a mean over other people or nights does not compare."""
    seen = {
        arm: {(c.case.person, c.case.night, c.case.seed) for c in cells if c.case.arm == arm} for arm in arms
    }
    common = set.intersection(*seen.values()) if seen else set()
    return [cell for cell in cells if (cell.case.person, cell.case.night, cell.case.seed) in common]


def whole(cells: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
    """The cells of the arms that have all that the first arm has, and the names of those that were cut short:
    their means would be over other people.
    """
    asked: dict[str, set[tuple[str, int, int]]] = {}
    for cell in cells:
        asked.setdefault(cell.case.arm, set()).add((cell.case.person, cell.case.night, cell.case.seed))
    most = next(iter(asked.values()), set())
    short = [arm for arm, cases in asked.items() if not most <= cases]
    return [cell for cell in cells if cell.case.arm not in short], short


@dataclass(frozen=True, kw_only=True, slots=True)
class Lead:
    """By how many points of adoption `arm` is ahead of `other`: the mean of each person's own difference,
    seeds and nights averaged first, and 95 % of what other people drawn from these would show (the
    bootstrap's percentiles, Efron 1979).
    """

    arm: str
    other: str
    people: int
    points: float
    low: float
    high: float


def leads(cells: Sequence[Cell], arm: str, others: Sequence[str]) -> list[Lead]:
    """Over what both arms have; nothing for fewer than three people. The draws are the same every time."""
    found = []
    for other in others:
        pair = in_common([cell for cell in cells if cell.case.arm in (arm, other)], [arm, other])
        own, its = (_by_person(pair, name) for name in (arm, other))
        apart = [100 * (own[person] - its[person]) for person in own]
        if len(apart) < _FEWEST_PEOPLE:
            continue
        dice = Random(0)
        drawn = sorted(sum(dice.choices(apart, k=len(apart))) / len(apart) for _ in range(_DRAWS))
        found.append(
            Lead(
                arm=arm,
                other=other,
                people=len(apart),
                points=sum(apart) / len(apart),
                low=drawn[int(0.025 * _DRAWS)],
                high=drawn[int(0.975 * _DRAWS) - 1],
            )
        )
    return found


def _by_person(cells: Sequence[Cell], arm: str) -> dict[str, float]:
    shares: dict[str, list[float]] = {}
    for cell in cells:
        if cell.case.arm == arm and cell.adoption.share is not None:
            shares.setdefault(cell.case.person, []).append(cell.adoption.share)
    return {person: sum(values) / len(values) for person, values in shares.items()}


def _summary(arm: str, night: int, cells: Sequence[Cell]) -> Summary:
    verdicts = [cell.verdict["outcome"] for cell in cells if cell.verdict]
    return Summary(
        arm=arm,
        night=night,
        cells=len(cells),
        people=len({cell.case.person for cell in cells}),
        adoption=_share(cells, lambda cell: cell.adoption),
        retention=_share(cells, lambda cell: cell.retention),
        residue=_share(cells, lambda cell: cell.residue),
        calls=_share(cells, lambda cell: cell.calls),
        able=_share(cells, lambda cell: cell.able),
        drift=mean_over_people(cells, lambda cell: cell.drift),
        bytes=mean_over_people(cells, lambda cell: float(cell.bytes)),
        seconds=mean_over_people(cells, lambda cell: cell.training.get("seconds")),
        judging=mean_over_people(cells, lambda cell: cell.judging.get("seconds")),
        accepted=Rate(passed=verdicts.count("promoted"), asked=len(verdicts)),
    )


def _share(cells: Sequence[Cell], rate_of: Callable[[Cell], Rate]) -> Share:
    rate = pooled(rate_of(cell) for cell in cells)
    return Share(
        mean=mean_over_people(cells, lambda cell: rate_of(cell).share), rate=rate, interval=wilson(rate)
    )


def mean_over_people(cells: Iterable[Cell], value_of: Callable[[Cell], float | None]) -> float | None:
    """The mean of each person's own mean; those without a value do not count."""
    by_person: dict[str, list[float]] = {}
    for cell in cells:
        value = value_of(cell)
        if value is not None:
            by_person.setdefault(cell.case.person, []).append(value)
    own = [sum(values) / len(values) for values in by_person.values()]
    return sum(own) / len(own) if own else None
