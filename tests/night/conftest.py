from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from night_parts import Place, make_place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = make_place(tmp_path, monkeypatch)
    yield made
    made.store.close()
