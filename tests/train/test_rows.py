"""Examples as rows: what fits is learnt, and what does not is counted."""

from __future__ import annotations

import pytest

from persona.base import Base
from persona.train.ingredients import encoder
from persona.train.rows import Rows, make_rows
from store.records import Demonstration, Example, Message, PreferencePair

ASKED = (Message(role="user", content="What is a mast?"),)
SHORT, WORDY = "A pole for sails.", "A mast is a tall pole. " * 40


def _said(text: str) -> Message:
    return Message(role="assistant", content=text)


def _pair(chosen: str, rejected: str) -> PreferencePair:
    return PreferencePair(
        id=f"pair {len(rejected)}",
        conversation="c",
        prompt=ASKED,
        chosen=_said(chosen),
        rejected=_said(rejected),
    )


@pytest.fixture
def made(starter_base: Base):
    def make(*examples: Example) -> Rows:
        return make_rows(examples, starter_base.template, encoder(starter_base), max_tokens=128)

    return make


def test_a_pair_carries_its_demonstration(made) -> None:
    """One row for both: the completion is learnt once."""
    shown = Demonstration(id="shown", conversation="c", prompt=ASKED, completion=_said(SHORT))
    (row,) = made(shown, _pair(SHORT, "A pole.")).rows
    assert row.chosen
    assert row.rejected


def test_a_long_answer_that_was_cut_short_still_teaches(made) -> None:
    """The rejected side does not fit; what the user wanted does, and is learnt alone."""
    shown = Demonstration(id="shown", conversation="c", prompt=ASKED, completion=_said(SHORT))
    found = made(shown, _pair(SHORT, WORDY))
    (row,) = found.rows
    assert row.chosen
    assert not row.rejected
    assert () == found.too_long


def test_a_completion_that_does_not_fit_is_counted_and_never_cut(made) -> None:
    """A cut one would teach not to stop."""
    found = made(_pair(WORDY, "A pole."))
    assert Rows(rows=(), too_long=("pair 7",)) == found
