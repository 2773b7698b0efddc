"""Talking in the terminal: asked, streamed, stopped, asked again, and nothing lost."""

from __future__ import annotations

import pytest
from tui_parts import Lodging

pytestmark = pytest.mark.anyio


async def test_a_question_and_its_answer(lodging: Lodging) -> None:
    """Enter sends; the answer is shown, kept, and names who gave it."""
    async with lodging.chat() as talk:
        said = await talk.ask("hello")
        assert said.endswith("says: hello")
        await talk.shows("r2")
        with lodging.store() as store:
            (kept,) = store.interactions.all()
        assert (kept.id, "hello") == (talk.last.interaction, kept.prompt[-1].content)
