"""Counting sentences and words as a reader would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.checker.prose import sentences, words

COUNTED = [
    ("", 0),
    ("One.", 1),
    ("One. Two.", 2),
    ("One. Two. Three", 3),
    ("No full stop at all", 1),
    ("Really?! Yes... perhaps. Fine!", 3),
    ("Wait… what? Oh.", 2),
    ("Wait… What? Oh.", 3),
    ("Dr. Smith met Mrs. Jones at 5 p.m. on Sunday.", 1),
    ("We left at 5 p.m. They stayed.", 2),
    ("Use fruit, e.g. apples, i.e. the round ones, etc. as you like.", 1),
    ("Bring apples, pears, etc. Then bake.", 2),
    ("J. R. R. Tolkien and George W. Bush never met.", 1),
    ("We go with plan B. It is cheaper.", 2),
    ("Pi is 3.14159 and e is 2.718.", 1),
    ("See No. 5 for that. The answer is no. It stays so.", 3),
    ("It happened in 1999. Then nothing.", 2),
    ("Version 2.0.1 is out. Read https://example.com/a.b?c=d. Enjoy.", 3),
    ("Open www.example.org! It works.", 2),
    ("Run `a.b(). c!` now. Done.", 2),
    ("Look:\n```python\nprint('Hi. You. There.')\nx = 1.\n```\nThat is all.", 2),
    ("Unclosed:\n```\none. two. three.", 1),
    ("# A heading. With dots.\n\nOne sentence.", 1),
    ("Three things:\n- apples\n- pears\n- plums", 4),
    ("1. Wash. Then dry.\n2. Bake", 3),
    ("First line\nsame sentence\n\nAnother paragraph", 2),
    ("> Quoted one. Quoted two.", 2),
    ("“Really?” she asked. “Yes,” he said.", 2),
    ("Great! 🎉 Next one. 🎉", 2),
    ("**Bold end.** And more.", 2),
    ("(In brackets.) And more.", 2),
    ("これは文です。これも文です。", 2),
    ("all lower case. it still ends here.", 2),
    ("...", 0),
    ("—", 0),
]


@pytest.mark.parametrize(("text", "expected"), COUNTED)
def test_sentences_are_counted_as_a_reader_counts_them(text: str, expected: int) -> None:
    """Abbreviations, numbers, addresses and code do not end sentences; items of lists are sentences."""
    assert expected == sentences(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("one two-three, don't four’s", 4),
        ("See https://example.com/a/b now.", 3),
        ("```\nnot counted at all\n```\nbut this", 2),
        ("`inline code` is one", 3),
    ],
)
def test_words_are_counted_without_code(text: str, expected: int) -> None:
    """Hyphens and apostrophes hold a word together; code blocks count for nothing."""
    assert expected == words(text)


@given(st.text())
def test_any_text_can_be_counted(text: str) -> None:
    """Whatever a model says, counting gives a number, and there is no sentence without a word in it."""
    assert 0 <= sentences(text) <= max(words(text), len(text))
    if words(text) == 0 and "#" not in text:
        assert sentences(text) == 0


def test_counting_is_linear() -> None:
    """A text of a megabyte is counted, not chewed on."""
    assert sentences("e.g. this (one) is “long.” Then etc. It goes on… and on. " * 20_000) > 20_000
    assert sentences("`" * 300_000 + "```\n" * 50_000) >= 0
