"""Ends what the tests of this folder share, and lets them import what the scripts measure with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serve_parts import close_stages

sys.path.append(str(Path(__file__).parents[2] / "scripts"))


@pytest.fixture(scope="session", autouse=True)
def _stages_are_closed() -> Iterator[None]:
    yield
    close_stages()
