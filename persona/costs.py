"""What a night cost, read from its run: by stage, a mapping from names to numbers and a few texts."""

from __future__ import annotations

from collections.abc import Mapping


def total(costs: Mapping[str, object], name: str) -> float:
    """The sum of one number over the stages; what is no number counts nothing."""
    return float(sum(_numbers(costs, name)))


def most(costs: Mapping[str, object], name: str) -> float:
    """The largest of one number over the stages."""
    return float(max(_numbers(costs, name), default=0))


def _numbers(costs: Mapping[str, object], name: str) -> list[int | float]:
    found = [stage.get(name) for stage in costs.values() if isinstance(stage, Mapping)]
    return [value for value in found if isinstance(value, int | float)]
