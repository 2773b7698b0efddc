"""Screens that are closed while something for them is on its way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget

from persona.tui.widgets.bars import Foot

P = ParamSpec("P")
S = TypeVar("S", bound=Screen[Any])


def while_open(
    shows: Callable[Concatenate[S, P], Coroutine[Any, Any, None]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, None]]:
    """What a screen does for itself, `unless_closed` meanwhile."""

    @wraps(shows)
    async def guarded(screen: S, /, *given: P.args, **named: P.kwargs) -> None:
        with unless_closed(screen):
            await shows(screen, *given, **named)

    return guarded


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
