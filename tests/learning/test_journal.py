"""What was measured once is kept and never measured again, however the run ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from learning.cells import Case, Cell
from learning.grid import Deadline
from learning.journal import Journal
from learning.kept import Kept, key_of
from learning.lanes import run
from learning_parts import case, cell

from persona.errors import TrainingError
from persona.report import Rate

_NEVER = Deadline(None)


class _Measuring:
    """Counts what it is asked for; fails or is interrupted where it is told to."""

    def __init__(self, *, fails: tuple[str, ...] = (), interrupted_at: str = "") -> None:
        self.asked: list[str] = []
        self._fails, self._interrupted_at = fails, interrupted_at

    def key(self, case: Case) -> str:
        return f"key of {case}"

    def life(self, case: Case) -> str:
        return case.arm

    def cell(self, case: Case) -> Cell:
        self.asked.append(case.arm)
        if case.arm == self._interrupted_at:
            raise KeyboardInterrupt
        if case.arm in self._fails:
            raise TrainingError("it would not")
        return cell(case, key=self.key(case))


def test_a_cell_comes_back_equal(tmp_path: Path) -> None:
    """Through its JSON line, every field."""
    written = cell(case("persona"), verdict={"outcome": "rejected", "reasons": ["too little"]})
    Journal(tmp_path / "cells.jsonl").append(written)
    assert {written.key: written} == Journal(tmp_path / "cells.jsonl").cells


def test_a_cell_from_before_a_field_still_reads(tmp_path: Path) -> None:
    """What was contested was not counted then."""
    known = cell(case("persona"))
    line = {name: value for name, value in known.to_json().items() if name != "contested"}
    (tmp_path / "cells.jsonl").write_text(json.dumps(line) + "\n")
    assert {known.key: known} == Journal(tmp_path / "cells.jsonl").cells
    contested = cell(case("base"), contested={"Lists.": Rate(passed=1, asked=9)})
    assert contested == Cell.from_json(contested.to_json())


def test_a_second_run_measures_only_what_is_missing(tmp_path: Path) -> None:
    """And its cells are the same ones."""
    wanted = [case("base"), case("prompt")]
    first = run(_Measuring(), wanted[:1], tmp_path, deadline=_NEVER, lanes=1)
    again = _Measuring()
    ran = run(again, wanted, tmp_path, deadline=_NEVER, lanes=1)
    assert ["prompt"] == again.asked
    assert (0, 2) == (ran.missing, len(ran.cells))
    assert first.cells == ran.cells[:1]


def test_cells_from_elsewhere_count_as_measured(tmp_path: Path) -> None:
    """What is there already stays as it is, and a second time adds nothing."""
    here, there = Journal(tmp_path / "here"), Journal(tmp_path / "there")
    here.append(cell(case("base"), passed=1))
    there.append(cell(case("base"), passed=2))
    there.append(cell(case("prompt")))
    assert 1 == here.take_in(there)
    assert 0 == here.take_in(there)
    assert here.cells == Journal(tmp_path / "here").cells
    assert [1, 1] == [each.adoption.passed for each in here.cells.values()]


@pytest.mark.parametrize("tail", [b'{"key": "half', b"\xff\xfe", b"[1, 2]\n", b'{"key": 3}\n'])
def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path, tail: bytes) -> None:
    """Neither those before it nor those that come after it."""
    file = tmp_path / "c"
    Journal(file).append(cell(case("base")))
    file.write_bytes(file.read_bytes() + tail)
    Journal(file).append(cell(case("prompt")))
    assert {"base", "prompt"} == {each.case.arm for each in Journal(file).cells.values()}


def test_a_cell_that_fails_is_tried_again_next_time(tmp_path: Path) -> None:
    """And those after it are measured all the same."""
    wanted = [case("base"), case("prompt"), case("persona")]
    ran = run(_Measuring(fails=("prompt",)), wanted, tmp_path, deadline=_NEVER, lanes=1)
    assert (2, 1, 1) == (len(ran.cells), ran.failed, ran.missing)
    again = _Measuring()
    run(again, wanted, tmp_path, deadline=_NEVER, lanes=1)
    assert ["prompt"] == again.asked


def test_an_interrupt_keeps_what_there_is(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a cell loses that cell alone."""
    wanted = [case("base"), case("prompt"), case("persona")]
    ran = run(_Measuring(interrupted_at="prompt"), wanted, tmp_path, deadline=_NEVER, lanes=1)
    assert ran.interrupted
    assert ["base"] == [each.case.arm for each in Journal(tmp_path / "cells.jsonl").cells.values()]


def test_after_the_deadline_no_cell_begins(tmp_path: Path) -> None:
    """The one that runs comes to its end."""
    now = 0.0

    class Slow(_Measuring):
        def cell(self, case: Case) -> Cell:
            nonlocal now
            now += 61.0
            return super().cell(case)

    measuring = Slow()
    deadline = Deadline(2, clock=lambda: now)
    wanted = [case(str(n)) for n in range(5)]
    ran = run(measuring, wanted, tmp_path, deadline=deadline, lanes=1)
    assert (2, 3) == (len(ran.cells), ran.missing)


def test_a_cell_bears_the_name_that_is_asked_for(tmp_path: Path) -> None:
    """A variant that was measured under another name is found by what decides it."""

    class SameKey(_Measuring):
        def key(self, case: Case) -> str:
            return "one"

    run(SameKey(), [case("rate 0.001")], tmp_path, deadline=_NEVER, lanes=1)
    ran = run(SameKey(), [case("default")], tmp_path, deadline=_NEVER, lanes=1)
    assert ["default"] == [each.case.arm for each in ran.cells]


def test_documents_are_found_by_what_decides_them(tmp_path: Path) -> None:
    """The order of the parts does not count, their values do; a file that does not read is not there."""
    kept = Kept(tmp_path)
    kept.put({"a": 1, "b": [2]}, {"value": 3})
    assert {"value": 3} == kept.get({"b": [2], "a": 1})
    assert kept.get({"a": 1, "b": [3]}) is None
    (tmp_path / f"{key_of({'a': 1, 'b': [2]})}.json").write_text("{")
    assert kept.get({"a": 1, "b": [2]}) is None
