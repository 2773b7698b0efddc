"""The loop over the wanted cells: what is there stays, what is missing is measured while there is time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from learning.cells import Case, Cell
from learning.grid import Deadline
from learning.journal import Journal
from persona.errors import PersonaError

Tell = Callable[[str], None]


class Measuring(Protocol):
    """Measures the cells of one comparison."""

    def key(self, case: Case) -> str: ...
    def cell(self, case: Case) -> Cell: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """`cells` in the order wanted, old and new; `missing` were not measured, `failed` of these failed."""

    cells: tuple[Cell, ...]
    measured: int
    missing: int
    failed: int
    interrupted: bool


def run(
    measuring: Measuring, wanted: Sequence[Case], journal: Journal, *, deadline: Deadline, tell: Tell
) -> Ran:
    """A cell that fails is told of and left out; Ctrl-C ends the measuring and keeps what there is."""
    keys = {case: measuring.key(case) for case in wanted}
    kept = sum(key in journal.cells for key in keys.values())
    tell(f"{kept} of {len(wanted)} cells are there already")
    measured = failed = 0
    interrupted = False
    try:
        for number, (case, key) in enumerate(keys.items(), start=1):
            if key in journal.cells:
                continue
            if deadline.over():
                break
            began = time.monotonic()
            try:
                cell = measuring.cell(case)
            except PersonaError as error:
                failed += 1
                tell(f"[{number}/{len(wanted)}] {case}: {error}")
                continue
            journal.append(cell)
            measured += 1
            tell(f"[{number}/{len(wanted)}] {case}: {said(cell)}, {time.monotonic() - began:.0f} s")
    except KeyboardInterrupt:
        interrupted = True
    # Kept by what decides them: a variant's name is none of that and may be another now.
    found = tuple(
        replace(journal.cells[key], case=case) for case, key in keys.items() if key in journal.cells
    )
    return Ran(
        cells=found,
        measured=measured,
        missing=len(wanted) - len(found),
        failed=failed,
        interrupted=interrupted,
    )


def said(cell: Cell) -> str:
    drift = "" if cell.drift is None else f", drift {cell.drift:.3f}"
    verdict = f", {cell.verdict['outcome']}" if cell.verdict else ""
    return f"{cell.adoption.passed} of {cell.adoption.asked} right{drift}{verdict}"


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
