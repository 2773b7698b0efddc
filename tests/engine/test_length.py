"""How long an answer may get beside others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.engine.length import AHEAD, Length


def grown(length: Length, free: int) -> tuple[int, int]:
    """How long an answer gets that does not end by itself, and how much room it took besides its first."""
    taken = tokens = 0

    def grow(room: int) -> bool:
        nonlocal taken
        if taken + room > free:
            return False
        taken += room
        return True

    while tokens < length.most and not length.ends(tokens, grow):
        tokens += 1
    return tokens, taken


def test_an_agents_request_leaves_room_for_others() -> None:
    """Who asks for 32,000 tokens keeps the context from nobody who asks for little."""
    agent = Length(prompt=3000, wanted=32_000, context=8192, together=4)
    title = Length(prompt=500, wanted=32_000, context=8192, together=4)
    chat = Length(prompt=200, wanted=1024, context=8192, together=4)

    assert 8192 - 3000 == agent.most
    assert [1024] * 3 == [each.sure for each in (agent, title, chat)]
    assert 8192 >= agent.room + title.room + chat.room


@pytest.mark.parametrize(("together", "wanted"), [(1, 900), (4, 100)])
def test_a_short_or_lonely_answer_has_all_it_asks_for(together: int, wanted: int) -> None:
    """From the beginning: no company changes how long it gets."""
    length = Length(prompt=50, wanted=wanted, context=1024, together=together)

    assert (wanted, wanted, 50 + wanted) == (length.sure, length.most, length.room)
    assert (wanted, 0) == grown(length, free=0)


@given(
    context=st.integers(64, 4096),
    together=st.integers(1, 8),
    wanted=st.integers(1, 40_000),
    part=st.floats(0, 0.99),
    free=st.integers(0, 4096),
)
def test_any_answer(context: int, together: int, wanted: int, part: float, free: int) -> None:
    """It gets what it is sure of in any company, and all it may have where there is room. What it has
    computed is always kept for it, with what llama.cpp may have computed since.
    """
    prompt = int(context * part)
    length = Length(prompt=prompt, wanted=wanted, context=context, together=together)
    first = length.room
    tokens, taken = grown(length, free)

    assert prompt < first <= context
    assert first + taken <= context
    assert min(wanted, context - prompt) == length.most
    assert length.sure <= tokens <= length.most
    assert tokens == length.most or prompt + tokens + AHEAD <= first + taken
    if free >= length.most:
        assert tokens == length.most
