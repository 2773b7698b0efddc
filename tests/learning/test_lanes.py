"""Lanes: lives side by side, each measured once, in one journal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from learning.cells import Case, Cell
from learning.grid import Deadline
from learning.journal import Journal
from learning.lanes import run, shares
from learning_parts import case, cell

from persona.errors import TrainingError


@dataclass(frozen=True)
class _Measuring:
    """Writes down who measured what. It goes to other processes, so that it is of plain values."""

    notes: Path
    fails: str = ""

    def key(self, case: Case) -> str:
        return f"key of {case}"

    def life(self, case: Case) -> str:
        return case.person

    def cell(self, case: Case) -> Cell:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        with self.notes.open("a") as notes:
            notes.write(f"{case.person} {os.getpid()} {cores}\n")
        if case.arm == self.fails:
            raise TrainingError("it would not")
        return cell(case, key=self.key(case))


_WANTED = [case(arm, person) for person in ("nell", "ines", "wim", "otto") for arm in ("base", "persona")]


def test_every_cell_is_measured_once_and_a_life_by_one_lane(tmp_path: Path) -> None:
    """Whichever lane takes it; and none of it happens in the process that asked."""
    measuring = _Measuring(tmp_path / "notes")
    ran = run(measuring, _WANTED, tmp_path, deadline=Deadline(None), lanes=2)
    assert [each.case for each in ran.cells] == _WANTED
    assert (0, 0, False) == (ran.missing, ran.failed, ran.interrupted)
    notes = [line.split() for line in (tmp_path / "notes").read_text().splitlines()]
    assert len(notes) == len(_WANTED) == len(Journal(tmp_path / "cells.jsonl").cells)
    assert 4 == len({(person, process) for person, process, _ in notes})
    assert str(os.getpid()) not in {process for _, process, _ in notes}


def test_what_failed_in_a_lane_is_counted(tmp_path: Path) -> None:
    """And the cells beside it are kept."""
    ran = run(
        _Measuring(tmp_path / "notes", fails="base"), _WANTED, tmp_path, deadline=Deadline(None), lanes=2
    )
    assert (4, 4, 4) == (len(ran.cells), ran.missing, ran.failed)


def test_a_deadline_holds_in_the_lanes_too(tmp_path: Path) -> None:
    """Nothing begins after it."""
    ran = run(_Measuring(tmp_path / "notes"), _WANTED, tmp_path, deadline=Deadline(0), lanes=2)
    assert len(_WANTED) == ran.missing
    assert not (tmp_path / "notes").exists()


def test_cores_are_dealt_evenly_and_none_twice() -> None:
    """Where there are fewer cores than lanes, all share all."""
    assert [frozenset({0, 1}), frozenset({2, 3})] == shares([0, 1, 2, 3], 2)
    assert [frozenset({5}), frozenset({7})] == shares([5, 7], 2)
    assert [frozenset({3}), frozenset({3})] == shares([3], 2)
