from __future__ import annotations

from pathlib import Path

import pytest
from child_parts import Runner


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    (tmp_path / "modules").mkdir()
    (tmp_path / "run").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "modules")
    return Runner(tmp_path / "modules", tmp_path / "run")
