"""Which cells are wanted, and in which order."""

from __future__ import annotations

import pytest
from learning.asking import spread
from learning.grid import cases, names, numbers

from persona.errors import BadInput


def test_arms_of_a_night_stand_side_by_side() -> None:
    """So that a run that was cut short has arms to compare; a later night comes after an earlier one."""
    wanted = cases(arms=["a", "b"], people=["nell", "otto"], nights=[2, 1], seeds=[0])
    assert [("nell", 1, "a"), ("nell", 1, "b"), ("nell", 2, "a")] == [
        (each.person, each.night, each.arm) for each in wanted[:3]
    ]
    assert 8 == len(set(wanted))


def test_numbers_are_read_as_people_write_them() -> None:
    """Ranges and lists, each once."""
    assert (1, 2, 3, 6) == numbers("1-3,6,2")
    assert (4,) == numbers("4")
    for wrong in ("", "a", "3-1", "1-"):
        with pytest.raises(BadInput):
            numbers(wrong)


def test_names_come_in_the_known_order() -> None:
    """And a wrong one is refused with those that are known."""
    assert ("a", "c") == names("c, a", ["a", "b", "c"])
    assert ("a", "b") == names("all", ["a", "b"])
    with pytest.raises(BadInput, match="known are a, b"):
        names("a,x", ["a", "b"])


def test_a_part_is_spread_over_the_whole() -> None:
    """First and last thirds alike; nothing twice."""
    assert [0, 10, 20] == spread(range(30), 3)
    assert [0, 1, 2] == spread(range(3), 5)
    assert [0, 1, 2] == spread(range(3), None)
    assert [] == spread(range(3), 0)
