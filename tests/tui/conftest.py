from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "daemon"))  # the house with a scripted stage
sys.path.append(str(Path(__file__).parents[2] / "scripts"))  # a terminal that keeps what is written to it

from tui_parts import Lodging


@pytest.fixture
def lodging(tmp_path: Path) -> Iterator[Lodging]:
    """A daemon's own application over a home with revisions, on a loopback socket."""
    with Lodging.open(tmp_path / "home") as lodging:
        yield lodging


@pytest.fixture
def anyio_backend() -> str:
    """Textual runs on asyncio."""
    return "asyncio"
