"""What is shown where there is little room, and what is not offered where it would do nothing."""

from __future__ import annotations

import pytest
from tui_parts import Lodging

from persona.tui.screens.learned import _note

pytestmark = pytest.mark.anyio


async def test_help_is_in_sight_on_a_narrow_terminal(lodging: Lodging) -> None:
    """Keys that do not fit are left out whole, help stays; with more room they are back."""
    async with lodging.chat(size=(60, 24)) as talk:
        await talk.shows("F7 Tonight F1 Help")
        await talk.pilot.resize_terminal(100, 24)
        await talk.shows("F8 Revisions Ctrl+O Earlier F1 Help")


async def test_keys_for_lists_are_offered_on_lists(lodging: Lodging) -> None:
    """A page of text has none of them, and the arrows scroll it."""
    async with lodging.chat(size=(80, 16)) as talk:
        await talk.prefer("Answer in at most two sentences.")
        await talk.pilot.press("f7")
        await talk.shows("x Take out")
        await talk.pilot.press("escape")
        await talk.say("/status")
        await talk.shows("answers r2")
        await talk.until(lambda: "x Take out" not in talk.text())
        page = talk.app.screen.query_one("#page-status")
        await talk.until(lambda: talk.app.focused is page and page.max_scroll_y > 0)
        await talk.pilot.press("down", "down", "down")
        await talk.until(lambda: page.scroll_y > 0)


def test_the_morning_note_as_markdown() -> None:
    """Sections are headings, what a model was asked is a quotation, and a remark is a paragraph."""
    note = [
        "r2 learnt from 6 examples.",
        "",
        "The votes say that r2 is worse.",
        "`persona rollback` goes back to r1.",
        "",
        "before and after",
        "  > Which colour?",
        "  [r1] Green, I think.",
        "  [r2] Green.",
    ]

    lines = [each for each in _note({"note": note}).splitlines() if each]

    assert [
        "## r2 learnt from 6 examples.",
        "The votes say that r2 is worse.",
        "`persona rollback` goes back to r1.",
        "### before and after",
        "> Which colour?",
        "- [r1] Green, I think.",
        "- [r2] Green.",
    ] == lines
