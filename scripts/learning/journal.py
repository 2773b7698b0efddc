"""The journal of cells: one JSON line each, written when it is measured; nothing is measured twice."""

from __future__ import annotations

import json
import os
from pathlib import Path

from learning.cells import Cell


class Journal:
    """Appends to one file; one process at a time.

    A line that was cut off, or is no cell, counts as not there; of several with one key the last counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells = _read(path)

    def append(self, cell: Cell) -> None:
        """Durable on return."""
        line = json.dumps(cell.to_json(), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with self.path.open("ab") as file:
            if file.tell() and not _ends_whole(self.path):
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.cells[cell.key] = cell

    def take_in(self, other: Journal) -> int:
        """What was measured elsewhere, as if it had been here; how many cells were new."""
        new = [cell for key, cell in other.cells.items() if key not in self.cells]
        for cell in new:
            self.append(cell)
        return len(new)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _read(path: Path) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    lines = path.read_bytes().splitlines() if path.exists() else []
    for line in lines:
        try:
            cell = Cell.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        found[cell.key] = cell
    return found
