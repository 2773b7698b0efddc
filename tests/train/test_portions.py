"""Smaller portions for want of memory: what a step sees stays, what is computed at once shrinks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from persona.train.plan import Plan, plan
from persona.train.recipe import Schedule

LENGTHS = [40, 200, 90, 310, 64, 120, 250, 33]


def planned(halvings: int) -> Plan:
    schedule = Schedule()
    return plan(
        user_lengths=LENGTHS,
        replay_lengths=[70, 80, 90, 60, 75],
        schedule=replace(schedule, micro_tokens=schedule.micro_tokens >> halvings),
        seed=17,
    )


def rows_of(found: Plan) -> list[tuple[list[int], list[int]]]:
    return [
        (
            sorted(i for micro in found.micros if micro.step == step for i in micro.user),
            sorted(i for micro in found.micros if micro.step == step for i in micro.replay),
        )
        for step in range(found.steps)
    ]


@pytest.mark.parametrize("halvings", [1, 2])
def test_a_step_sees_the_same_rows(halvings: int) -> None:
    """Steps, order and batch are the recipe's; only the number of portions grows."""
    whole, smaller = planned(0), planned(halvings)
    assert rows_of(whole) == rows_of(smaller)
    assert len(smaller.micros) > len(whole.micros)
