"""A home, a small model, the base made of it, and the real starter for the tests that need it."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_parts import write_model_folder

from persona.base import Base, prepare_base
from persona.paths import Home


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
def starter_home(starter_base) -> Home:
    """The home that the prepared starter lies in, shared by all tests that need it."""
    return Home(starter_base.path.parent.parent)


@pytest.fixture(scope="session")
def starter(starter_base) -> Base:
    return starter_base
