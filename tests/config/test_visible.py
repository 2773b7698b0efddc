"""Foreign text is shown and not obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.visible import one_line, visible


@given(st.text())
def test_nothing_hostile_is_left(text: str) -> None:
    """Of C0, C1 and direction controls only newline and tab are left; all else is unchanged."""
    shown = visible(text)

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
    if text == shown:
        return
    assert len(shown) > len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b]8;;http://evil\x07x", r"\x1b]8;;http://evil\x07x"),
        ("\x9b31mred", r"\x9b31mred"),
        ("a\rb", r"a\x0db"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("tab\tline\nüñ 你好 🙂", "tab\tline\nüñ 你好 🙂"),
    ],
)
def test_what_is_shown(text: str, expected: str) -> None:
    """Controls are shown as text; all writing of the world stays."""
    assert expected == visible(text)


def test_one_line() -> None:
    """Whatever it was, and no longer than wanted."""
    assert "one two" == one_line(" one\n two\t", 7)
    assert "one t…" == one_line("one two", 6)
