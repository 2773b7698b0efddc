"""The starter base, for the tests that need the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from persona.base import Base, load_base, prepare_base
from persona.errors import UnknownBase
from persona.paths import Home

STARTER = "smollm2-135m"


@pytest.fixture(scope="session")
def starter_home(tmp_path_factory) -> Home:
    """The home where the starter is, or is to be made when its wheel is at hand; never from the network.

    PERSONA_TEST_HOME, or a new one; the wheel is found by PERSONA_WHEEL_DIR.
    """
    given = os.environ.get("PERSONA_TEST_HOME")
    return Home(Path(given).absolute() if given else tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def starter(starter_home) -> Base:
    try:
        return load_base(starter_home, STARTER)
    except UnknownBase:
        if not os.environ.get("PERSONA_WHEEL_DIR"):
            pytest.skip("no starter base: set PERSONA_TEST_HOME or PERSONA_WHEEL_DIR")
    return prepare_base(starter_home, STARTER)
