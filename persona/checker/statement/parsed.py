"""What was read from a statement."""

from __future__ import annotations

from dataclasses import dataclass

from persona.checker.contract import Checker

ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """One thing that a statement asks for: the ledger's key (scope, attribute), and a checker or None.

    A known attribute without a checker says that the user cares no longer ("emoji are fine again").
    """

    attribute: str
    scope: str = ALWAYS
    checker: Checker | None = None


def tool_scope(tool: str) -> str:
    """The scope of a habit with this tool."""
    return f"tool:{tool}"
