from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from distill_story import Story

from store import Store


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with Store.open(tmp_path / "store.db") as store:
        yield Story(store)
        assert store.verify() == []
