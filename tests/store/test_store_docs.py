"""What the store says about itself is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

import store
from store import errors

FOLDER = Path(store.__file__).parent


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("[!_]*.py")))
def test_readme_names_every_file(file: str) -> None:
    """A newcomer finds each file in the README's table."""
    assert f"`{file}`" in (FOLDER / "README.md").read_text()


def test_every_error_is_drawn_under_its_parent() -> None:
    """The tree at the top of errors.py is the tree of the classes, in order."""
    drawn: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if "──" in line:
            depth, name = line.index("──") // 4, line.split("── ")[1].split()[0]
            drawn.append(f"{depth} {name}")
    real: list[str] = []

    def walk(kind: type[Exception], depth: int) -> None:
        for child in kind.__subclasses__():
            real.append(f"{depth} {child.__name__}")
            walk(child, depth + 1)

    walk(errors.StoreError, 0)
    assert drawn == real


def test_what_is_exported_is_there() -> None:
    """`from store import *` gives exactly what __all__ promises."""
    assert sorted(store.__all__) == [name for name in sorted(store.__all__) if hasattr(store, name)]
