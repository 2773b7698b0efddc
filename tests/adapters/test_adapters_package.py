"""Rules about the package itself: one place renames, nothing but the standard library, quick to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import adapters

ROOT = Path(adapters.__file__).parent.parent
RENAMES = {
    ("os", "rename"), ("os", "renames"), ("os", "replace"), ("os", "link"), ("shutil", "move"),
    ("Path", "rename"), ("Path", "replace"),
}  # fmt: skip


def _renames(source: str) -> Iterator[int]:
    """Lines that rename a path. A str.replace takes two arguments, a dataclasses or datetime one keywords."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=module, names=names):
                found = any((module, alias.name) in RENAMES for alias in names)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                found = (owner, name) in RENAMES
            case ast.Call(func=ast.Attribute(value=owner, attr="rename" | "replace"), args=[_], keywords=[]):
                found = not (isinstance(owner, ast.Name) and owner.id in ("os", "dataclasses"))
            case _:
                found = False
        if found:
            yield node.lineno


def test_only_durable_renames() -> None:
    """A rename outside the durable layer is one that a power cut can undo or halve."""
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("adapters", "store", "persona")
        for path in (ROOT / package).rglob("*.py")
        if path != ROOT / "adapters" / "durable.py"
        for line in _renames(path.read_text(encoding="utf-8"))
    }
    assert set() == found
    assert 4 <= len(list(_renames((ROOT / "adapters" / "durable.py").read_text())))


@pytest.mark.parametrize(
    ("source", "renames"),
    [
        ("os.rename(a, b)", True),
        ("os.replace(a, b)", True),
        ("from os import replace", True),
        ("import shutil\nshutil.move(a, b)", True),
        ("move = shutil.move", True),
        ("path.rename(b)", True),
        ("path.with_suffix('.x').replace(b)", True),
        ("Path.rename(a, b)", True),
        ("text.replace('a', 'b')", False),
        ("text.replace('a', 'b', 1)", False),
        ("at.replace(tzinfo=UTC)", False),
        ("replace(record, id='x')", False),
        ("dataclasses.replace(record)", False),
        ("from dataclasses import replace", False),
    ],
)
def test_the_search_for_renames_finds_paths_and_spares_texts(source: str, renames: bool) -> None:
    """The rule above would be worth nothing if it looked past a rename."""
    assert renames == bool(list(_renames(source)))


def test_importing_adapters_loads_the_standard_library_only_and_little_of_it() -> None:
    """`persona revisions` answers at once: no third party, and none of the slow parts of the library."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import adapters; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert {"adapters"} == loaded - set(sys.stdlib_module_names) - {"__main__"}
    slow = {
        "asyncio",
        "email",
        "logging",
        "multiprocessing",
        "random",
        "shutil",
        "socket",
        "subprocess",
        "tempfile",
    }
    assert set() == loaded & slow
