"""A home, a small model, the base made of it, and the real starter for the tests that need it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from model_parts import write_model_folder

from persona.base import Base, load_base, prepare_base
from persona.errors import UnknownBase
from persona.paths import Home

STARTER = "smollm2-135m"


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def model(tmp_path) -> Path:
    return write_model_folder(tmp_path / "My Model 0.6B")


@pytest.fixture
def base(home, model) -> Base:
    return prepare_base(home, str(model))


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
