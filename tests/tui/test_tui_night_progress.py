"""How far a night is, as the chat says it."""

from __future__ import annotations

from typing import Any

import pytest

from persona.tui.link import Link, Seen


@pytest.mark.parametrize(
    ("what", "night"),
    [
        ({"state": "started"}, "a night begins"),
        ({"state": "running", "stage": "train", "step": "train", "done": 2, "total": 40}, "train, 2 of 40"),
        ({"state": "running", "step": "load", "done": 0, "total": None}, "load"),
        ({"state": "running", "step": "", "done": 0}, "a night is running"),
        ({"state": "ended", "outcome": "promoted"}, ""),
    ],
)
def test_how_far_a_night_is(what: dict[str, Any], night: str) -> None:
    """The step, and how much of it is done where that is known."""
    seen: list[Seen] = []
    link = Link(lambda: None, None, seen.append)
    link._happen({"kind": "night", **what})
    assert night == seen[-1].night
