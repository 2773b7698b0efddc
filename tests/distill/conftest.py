"""A store to tell stories to, and what the scripts measure with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distill_story import Story

from store import Store

sys.path.append(str(Path(__file__).parents[2] / "scripts"))


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with Store.open(tmp_path / "store.db") as store:
        yield Story(store)
        assert store.verify() == []
