from __future__ import annotations

from pathlib import Path

import pytest
from registry_parts import noon

from adapters import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(tmp_path / "adapters", clock=noon)
