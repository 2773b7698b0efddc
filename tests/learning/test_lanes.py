"""Lanes: lives side by side, each measured once, in one journal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from learning.cells import Case, Cell
from learning.grid import Deadline
from learning.journal import Journal
from learning.lanes import run, shares
from learning_parts import case, cell

from persona.errors import TrainingError
from persona.lock import home_lock


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
    assert [frozenset({0}), frozenset({1, 2})] == shares([0, 1, 2], 2)
    assert [frozenset({3}), frozenset({3})] == shares([3], 2)


def test_a_life_that_somebody_still_lives_is_left_alone(tmp_path: Path) -> None:
    """As after a run whose lanes were not killed with it: two would write into one home."""
    (tmp_path / "locks").mkdir()
    with home_lock(tmp_path / "locks", name="wim"):
        ran = run(_Measuring(tmp_path / "notes"), _WANTED, tmp_path, deadline=Deadline(None), lanes=2)
    assert {"wim"} == {each.person for each in _WANTED} - {each.case.person for each in ran.cells}
    assert (2, 0) == (ran.missing, ran.failed)


def test_the_order_wanted_is_the_order_measured(tmp_path: Path) -> None:
    """Where cells of two lives alternate they do, so that what cuts a run short leaves cells that compare."""
    wanted = [case(arm, person) for arm in ("base", "persona") for person in ("nell", "ines")]
    run(_Measuring(tmp_path / "notes"), wanted, tmp_path, deadline=Deadline(None), lanes=1)
    lines = (tmp_path / "notes").read_text().splitlines()
    assert ["nell", "ines", "nell", "ines"] == [line.split()[0] for line in lines]


def test_lanes_end_with_whoever_started_them(tmp_path: Path) -> None:
    """However it ended: nobody would read what they measure, and the next run would measure it again."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from pathlib import Path\n"
        "from learning.grid import Deadline\n"
        "from learning.lanes import run\n"
        "from test_lanes import _WANTED, _Sleeping\n"
        "if __name__ == '__main__':\n"
        f"    folder = Path({str(tmp_path)!r})\n"
        "    run(_Sleeping(folder), _WANTED, folder, deadline=Deadline(None), lanes=2)\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: len(list(tmp_path.glob("lane-*"))) == 2)
        lanes = [int(file.name.removeprefix("lane-")) for file in tmp_path.glob("lane-*")]
    finally:
        process.kill()
        process.wait()
    _wait_for(lambda: not any(psutil.pid_exists(lane) for lane in lanes))


@dataclass(frozen=True)
class _Sleeping(_Measuring):
    """Says which process it is in, and never comes back."""

    def cell(self, case: Case) -> Cell:
        (self.notes / f"lane-{os.getpid()}").touch()
        time.sleep(600)
        raise AssertionError


def _wait_for(there: Callable[[], bool]) -> None:
    for _ in range(600):
        if there():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")
