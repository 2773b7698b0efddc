"""Which slot answers which prompt."""

from __future__ import annotations

import pytest

from persona.engine.slots import Slots

SYSTEM = list(range(20))
A, B, C = ([*SYSTEM, *range(start, start + 100)] for start in (100, 300, 500))


def asked(slots: Slots, tokens: list[int]) -> int:
    with slots.holding(tokens) as number:
        return number


def test_talks_that_share_a_little_keep_apart() -> None:
    """Two talks with the same short system prompt take two slots, and find them again in any order."""
    slots = Slots(2)
    first = [asked(slots, A), asked(slots, B)]
    second = [asked(slots, [*B, 1, 2, 3]), asked(slots, [*A, 1, 2, 3])]

    assert [0, 1] == sorted(first)
    assert first == second[::-1]


def test_a_long_beginning_is_worth_a_short_end() -> None:
    """Prompts that share most of their text share a slot, so that it is computed once."""
    slots = Slots(3)
    tools = list(range(1000))

    assert asked(slots, [*tools, 1, 2, 3]) == asked(slots, [*tools, 7, 8, 9])


def test_the_talk_that_rested_longest_gives_way() -> None:
    """With no slot left, a new talk takes the place of the one that was used longest ago."""
    slots = Slots(2)
    of_a, of_b = asked(slots, A), asked(slots, B)
    asked(slots, [*A, 1])

    assert of_b == asked(slots, C)
    assert of_a == asked(slots, [*A, 1, 2])


def test_a_busy_slot_is_left_alone() -> None:
    """The same prompt twice at once is answered in two slots."""
    slots = Slots(2)
    with slots.holding(A) as one, slots.holding(A) as other:
        assert one != other


def test_a_broken_answer_counts_for_nothing() -> None:
    """What was not computed to its end is not relied on, and its slot is free again."""
    slots = Slots(2)
    with pytest.raises(ValueError, match="broke"), slots.holding(A) as broken:
        raise ValueError("it broke")

    assert broken != asked(slots, B) or broken == asked(slots, A)
    assert {0, 1} == {asked(slots, C), asked(slots, [*B, 1])}
