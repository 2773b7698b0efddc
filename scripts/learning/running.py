"""The loop over the wanted cells: what is there stays, what is missing is measured while there is time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from learning.cells import Case, Cell
from learning.grid import Deadline
from learning.journal import Journal
from persona.errors import Busy, PersonaError
from persona.lock import home_lock

Tell = Callable[[str], None]
JOURNAL = "cells.jsonl"
_PATIENCE = 60.0  # seconds that another lane may take to write a line


class Measuring(Protocol):
    """Measures the cells of one comparison. `life` names the state that measuring a case changes: cases of
    one life are never measured at the same time.
    """

    def key(self, case: Case) -> str: ...
    def life(self, case: Case) -> str: ...
    def cell(self, case: Case) -> Cell: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """How a loop ended: how many cells failed, and whether it was broken off."""

    failed: int
    interrupted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """`cells` in the order wanted, old and new; `missing` were not measured, `failed` of these failed."""

    cells: tuple[Cell, ...]
    missing: int
    failed: int
    interrupted: bool


def measure(
    measuring: Measuring,
    keys: Mapping[Case, str],
    folder: Path,
    *,
    deadline: Deadline,
    tell: Tell,
    claim: Callable[[str], bool] = lambda _: True,
) -> Measured:
    """What is missing of these cells, into the journal of `folder`, in their order. The cases of a life whose
    `claim` fails are left to whoever claimed it, and to whoever holds its lock. A cell that fails is told of
    and left out; Ctrl-C ends it and keeps what there is.
    """
    known = Journal(folder / JOURNAL).cells
    own: dict[str, bool] = {}
    failed = 0
    try:
        with ExitStack() as held:
            for number, (case, key) in enumerate(keys.items(), start=1):
                if key in known or deadline.over():
                    continue
                life = measuring.life(case)
                if life not in own:
                    own[life] = claim(life) and _held(held, folder, life)
                if not own[life]:
                    continue
                began = time.monotonic()
                place = f"[{number}/{len(keys)}] {case}"
                try:
                    cell = measuring.cell(case)
                except PersonaError as error:
                    failed += 1
                    tell(f"{place}: {error}")
                    continue
                with home_lock(folder, wait=_PATIENCE, name="journal.lock"):
                    Journal(folder / JOURNAL).append(cell)
                tell(f"{place}: {said(cell)}, {time.monotonic() - began:.0f} s")
    except KeyboardInterrupt:
        return Measured(failed=failed, interrupted=True)
    return Measured(failed=failed, interrupted=False)


def _held(held: ExitStack, folder: Path, life: str) -> bool:
    """Whether nobody else lives it, such as a lane of a run that was killed; it is held until `held` ends."""
    locks = folder / "locks"
    locks.mkdir(exist_ok=True)
    try:
        held.enter_context(home_lock(locks, name=life))
    except Busy:
        return False
    return True


def missing_lives(measuring: Measuring, keys: Mapping[Case, str], folder: Path) -> int:
    """How many have a cell that is not there."""
    known = Journal(folder / JOURNAL).cells
    return len({measuring.life(case) for case, key in keys.items() if key not in known})


def ran(keys: Mapping[Case, str], journal: Journal, done: Measured) -> Ran:
    """What there is now. Cells are kept by what decides them: a variant may have another name now."""
    found = tuple(
        replace(journal.cells[key], case=case) for case, key in keys.items() if key in journal.cells
    )
    return Ran(cells=found, missing=len(keys) - len(found), failed=done.failed, interrupted=done.interrupted)


def said(cell: Cell) -> str:
    drift = "" if cell.drift is None else f", drift {cell.drift:.3f}"
    verdict = f", {cell.verdict['outcome']}" if cell.verdict else ""
    return f"{cell.adoption.passed} of {cell.adoption.asked} right{drift}{verdict}"


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
