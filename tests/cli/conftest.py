from __future__ import annotations

from pathlib import Path

import pytest
from cli_parts import Past, Shell, Troupe, give_a_past


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


@pytest.fixture
def past(shell: Shell) -> Past:
    return give_a_past(shell)


@pytest.fixture
def troupe(shell: Shell) -> Troupe:
    """The engines of the shell's commands."""
    troupe = Troupe()
    shell.engine = troupe.open
    return troupe
