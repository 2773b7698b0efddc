from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_parts import fast_directory
from registry_parts import noon

from adapters import Registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with fast_directory() as root:
        yield Registry.open(root / "adapters", clock=noon)
