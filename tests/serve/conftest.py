"""Ends what the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serve_parts import close_stages


@pytest.fixture(scope="session", autouse=True)
def _stages_are_closed() -> Iterator[None]:
    yield
    close_stages()
