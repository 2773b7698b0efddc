"""A store of its own for every test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_facts import IN_MEMORY

from store import Store


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a store may be made; its folder is not there yet."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        yield Path(folder) / "identity" / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened
