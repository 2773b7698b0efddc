"""How a command gets its Persona: the context carries the way to open it, and tests put in another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import typer

if TYPE_CHECKING:
    from persona.bootstrap import Persona


def opened(context: typer.Context) -> Persona:
    """For a `with` statement: what the command opens is closed at its end."""
    return cast("Callable[[], Persona]", context.obj)()
