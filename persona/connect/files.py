"""Configuration files of other programs: put in place whole or not at all, what was there kept beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adapters.durable import FILE_MODE, write_file
from persona.connect.recipes import ConfigFile
from persona.errors import BadInput

_BEGIN, _END = (
    "# persona begins here; `persona connect` writes up to the next such line",
    "# persona ends here",
)


def write(file: ConfigFile) -> Path | None:
    """Bring `file` up to date; where the old one was kept, None when there was none or nothing changed.

    What is written is for its owner alone, since it holds a token. A link stays one: what it leads to is
    written. BadInput for a file that cannot be added to; it stays as it was.
    """
    path = file.path.resolve()
    old = path.read_bytes() if path.exists() else None
    new = text_of(file, None if old is None else _decoded(file, old)).encode()
    if new == old:
        path.chmod(FILE_MODE)
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = None
    if old is not None:
        kept = _free_name(path)
        write_file(kept, old)
    write_file(path, new)
    return kept


def text_of(file: ConfigFile, old: str | None) -> str:
    """What `file` is to hold when it holds `old`. BadInput."""
    if file.how == "whole":
        return file.text
    if file.how == "merge":
        return _merged(file, old or "{}")
    block = f"{_BEGIN}\n{file.text}{_END}\n"
    before, begins, rest = (old or "").partition(f"{_BEGIN}\n")
    if not begins:
        return before + ("" if not before or before.endswith("\n") else "\n") + block
    _, ends, after = rest.partition(f"{_END}\n")
    if not ends:
        raise BadInput(f"{file.path}: the line {_END!r} is missing: put it back, or take the other one out")
    return before + block + after


def _decoded(file: ConfigFile, old: bytes) -> str:
    if file.how == "whole":
        return ""  # nothing of it stays
    try:
        return old.decode()
    except UnicodeDecodeError:
        raise BadInput(f"{file.path}: not UTF-8: add what is shown without --write by hand") from None


def _merged(file: ConfigFile, old: str) -> str:
    try:
        there = json.loads(old)
    except ValueError as error:
        raise BadInput(
            f"{file.path}: not plain JSON ({error}): add what is shown without --write by hand"
        ) from None
    if not isinstance(there, dict):
        raise BadInput(f"{file.path}: not a JSON object: add what is shown without --write by hand")
    return json.dumps(_laid_over(there, json.loads(file.text)), indent=2, ensure_ascii=False) + "\n"


def _laid_over(there: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(there)
    for key, value in new.items():
        old = merged.get(key)
        merged[key] = _laid_over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.before-persona-{number}")).exists():
        number += 1
    return kept
