"""The years that distilling is measured on are made of weeks that differ."""

from __future__ import annotations

from bench_year import measured
from people import PEOPLE


def test_a_week_adds_its_conversations_and_examples() -> None:
    """No week is taken for a repetition of the one before."""
    (nell,) = (person for person in PEOPLE if person.id == "nell")
    first, third = measured([nell], [1, 3])
    assert 3 * first.conversations == third.conversations
    assert 2.5 * (first.train + first.held_out) < third.train + third.held_out
    assert first.store_bytes < third.store_bytes
