"""Leaving a talk says something only where the last answer clearly failed after a correction."""

from __future__ import annotations

import pytest
from exchange_parts import REQUEST, answered, exchange, found, said


@pytest.mark.parametrize(
    ("corrected", "correction", "answer", "fails"),
    [
        ("Una slup ha un albero e due vele.", "in English please", "Ha un albero, e le vele sono due.", True),
        ("Una slup ha un albero e due vele.", "in English please", "It has one mast and two sails.", False),
        ("Boats! 🎉🎈 One mast.", "without the emojis please", "Come and see boats! 🎉", True),
        ("Boats! 🎉🎈 One mast.", "without the emojis please", "Boats! One mast.", False),
        ("It has one mast and two sails.", "shorter", "It has one single mast and a pair of sails.", True),
        ("It has one mast and two sails.", "shorter", "One mast, two sails.", False),
        ("The meeting is on Monday at 2.", "no, at 3!", "The meeting is on Monday at 3.", False),
        (
            "Say that the sky is bleu today.",
            "bleu is spelled wrong",
            "Say that the sky is blue today.",
            False,
        ),
        ("A sloop has one mast and sails.", "That's wrong.", "A sloop has one mast and it sails.", True),
        ("A sloop has one mast and sails.", "That's wrong.", "Do you mean a ketch?", False),
        ("A sloop has one mast and sails.", "and a ketch?", "A sloop has one mast and sails.", False),
    ],
)
def test_leaving_is_giving_up_where_the_correction_was_not_followed(
    corrected: str, correction: str, answer: str, fails: bool
) -> None:
    """The last answer is the corrected one again, or breaks what was asked for; else the end says nothing."""
    prompt = (said(REQUEST), answered(corrected), said(correction))
    last = exchange(prompt=prompt, completion=answered(answer))
    assert fails == ("abandoned" in found(last))
    assert "abandoned" not in found(
        exchange(said("And a yawl?"), answered("Two."), prompt=prompt, completion=answered(answer))
    )
