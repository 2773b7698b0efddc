"""Screens that are closed while something for them is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.css.query import NoMatches
from textual.screen import Screen

from persona.tui.widgets.bars import Foot


@contextmanager
def unless_closed(screen: Screen[Any]) -> Iterator[None]:
    """What comes when nothing of `screen` is there any more is shown to nobody. It has a foot while it is."""
    try:
        yield
    except NoMatches:
        if screen.query(Foot):
            raise
