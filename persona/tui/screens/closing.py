"""Screens that are closed while something for them is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget

from persona.tui.widgets.bars import Foot


@contextmanager
def unless_closed(screen: Screen[Any], *lasting: type[Widget]) -> Iterator[None]:
    """What comes while `screen` is taken down is shown to nobody. Until then it has a foot, and one of each
    of `lasting`.
    """
    try:
        yield
    except NoMatches:
        kinds: tuple[type[Widget], ...] = (Foot, *lasting)
        if all(screen.query(kind) for kind in kinds):
            raise
