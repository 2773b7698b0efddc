"""The state of the code that measures: one short name for all that would give other figures if it changed."""

from __future__ import annotations

import ast
from importlib.metadata import version
from pathlib import Path

from learning.kept import key_of

_ROOT = Path(__file__).parents[2]
_SCRIPTS = _ROOT / "scripts"
_WATCHED = (
    *(
        _ROOT / "persona" / name
        for name in ("base", "capture", "checker", "distill", "engine", "evaluate", "nightly", "promote")
    ),
    *(_ROOT / "persona" / name for name in ("template", "train", "bridge.py", "offers.py", "report.py")),
    *(_ROOT / name for name in ("adapters", "store")),
    *(_SCRIPTS / name for name in ("learning", "people", "capabilities.py")),
    _ROOT / "samples" / "capabilities.jsonl",
)
_LIBRARIES = ("torch", "transformers", "peft", "trl", "xllamacpp")


def code_state() -> str:
    """Changes with code, prompt lists and releases of libraries, not with comments, docstrings or form."""
    return key_of(
        {
            "files": {str(file.relative_to(_ROOT)): _meaning(file) for file in _files()},
            "libraries": {name: version(name) for name in _LIBRARIES},
        }
    )[:12]


def _files() -> list[Path]:
    found = [
        file
        for place in _WATCHED
        for file in (place.rglob("*") if place.is_dir() else [place])
        if file.suffix in (".py", ".txt", ".jsonl", ".json", ".toml")
    ]
    return sorted(found)


def _meaning(file: Path) -> str:
    text = file.read_text("utf-8")
    return meaning_of(text) if file.suffix == ".py" else text


def meaning_of(source: str) -> str:
    """Python code without what a reader alone sees."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)
