"""Reworking a text by rules until it keeps a preference."""

from __future__ import annotations

import kinds_of_form
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.checker import (
    Avoids,
    BoldLead,
    Bullets,
    Checker,
    Closing,
    CodeBlock,
    Exclamation,
    MaxSentences,
    MaxWords,
    NoBold,
    NoEmoji,
    NoExclamation,
    NoFinalQuestion,
    NoHeadings,
    NoLists,
    NoMarker,
    Numbered,
    Opening,
)

TWO = MaxSentences(n=2)
CODE = "```python\nx = 1.0\ny = 2\n```"


@pytest.mark.parametrize(
    ("checker", "text", "reworked"),
    [
        (TWO, "One. Two. Three.", "One. Two."),
        (TWO, "Dr. Smith came. He sat. He left.", "Dr. Smith came. He sat."),
        (TWO, "Do this:\n\n1. First.\n2. Second.\n3. Third.", "Do this:\n\n1. First."),
        (TWO, f"Run it.\n{CODE}\nThen wait. Then look.", f"Run it.\n{CODE}\nThen wait."),
        (MaxWords(n=4), "One two. Three four five.", "One two."),
        (MaxWords(n=1), "One two three", None),
        (Closing(text="Fair winds!"), "It is so.\n", "It is so. Fair winds!"),
        (Closing(text="Fair winds!"), "One.\n\nTwo.", "One.\n\nTwo.\n\nFair winds!"),
        (Opening(text="Ahoy!"), "It is so.", "Ahoy! It is so."),
        (NoEmoji(), "Well done 🎉 today!", "Well done today!"),
        (NoExclamation(), "Great! Go on!", "Great. Go on."),
        (Exclamation(), "It is so.", "It is so!"),
        (NoHeadings(), "# Title\nIt is so.", "It is so."),
        (NoLists(), "- one\n- two", "one\ntwo"),
        (Bullets(), "One. Two.", "- One.\n- Two."),
        (Numbered(), "One. Two.", "1. One.\n2. Two."),
        (BoldLead(), "It is so. And so.\n\nAnd so on.", "**It is so.**\nAnd so.\n\nAnd so on."),
        (BoldLead(), "- One.\n- Two.", "**One.**\n- Two."),
        (BoldLead(), "## A **bold** title\nText.", "**A bold title**\nText."),
        (BoldLead(), "1. Boil.\n2. Add.\n3. Serve.", "**Boil.**\n1. Add.\n2. Serve."),
        (BoldLead(), CODE, None),
        (BoldLead(), "`__init__` runs first. More.", None),
        (BoldLead(), "__init__.py is a file.", None),
        (BoldLead(), "| a | b |\n|---|---|", None),
        (BoldLead(), "---\nText", None),
        (BoldLead(), "Title\n=====\nText", None),
        (BoldLead(), "- [ ] Do it.", None),
        (BoldLead(), "#1 tip: sleep.", "**#1 tip: sleep.**"),
        (NoBold(), "A **bold** word", "A bold word"),
        (NoMarker(marker="offer"), "It is so. Let me know if you need more.", "It is so."),
        (NoMarker(marker="apology"), "I'm sorry, I can't.", None),
        (NoMarker(marker="contraction"), "Don't wait, it's the last.", "Do not wait, it is the last."),
        (NoFinalQuestion(), "It is. Is it?", "It is."),
        (Avoids(text="delve"), "We delve. We dig.", "We dig."),
        (CodeBlock(), "No code here.", None),
    ],
)
def test_as_little_as_possible_is_changed(checker: Checker, text: str, reworked: str | None) -> None:
    """What is taken away are whole sentences, marks or lines; None where rules have no way."""
    assert reworked == checker.rework(text)


@pytest.mark.parametrize(("checker", "text"), kinds_of_form.PASSES)
def test_what_keeps_the_preference_stays_as_it_is(checker: Checker, text: str) -> None:
    """Nothing is changed for the sake of changing it."""
    reworked = checker.rework(text)
    assert reworked in (text, None)


@given(
    st.sampled_from(
        [checker for checker, _ in kinds_of_form.FAILS] + [TWO, MaxWords(n=3), NoLists(), NoEmoji()]
    ),
    st.text(max_size=60) | st.text(alphabet="a.!?:# -1\n`*“”🎉", max_size=60),
)
def test_what_was_reworked_passes(checker: Checker, text: str) -> None:
    """Any text becomes one that keeps the preference, or none."""
    reworked = checker.rework(text)
    if reworked is not None:
        assert checker.rework(reworked) == reworked
        assert reworked.strip()
