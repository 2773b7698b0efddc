"""The script of a week of nights: its week, its clock and its account, with nights that are played."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from persona.errors import ChildFailed
from persona.nightly import NightResult
from persona.schedule.leash import Leash
from persona.schedule.state import ScheduleFile
from store.records import RunState

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """The script, as it finds its neighbours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        spec = importlib.util.spec_from_file_location("week_of_nights", SCRIPTS / "week_of_nights.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


def simulated() -> ModuleType:
    """What the script has its week from."""
    return sys.modules["simulated_week"]


@dataclass
class Lived:
    """A week whose nights take no time, but for one in which the person comes back."""

    script: ModuleType
    folder: Path
    talked: list[date] = field(default_factory=list)
    fails: int = 0
    notices: bool = True

    @property
    def file(self) -> ScheduleFile:
        return ScheduleFile(self.folder / "schedule.json")

    def work(self, leash: Leash, hear: Callable[[Any], None]) -> NightResult:
        if self.fails:
            self.fails -= 1
            raise ChildFailed("train", "it was ended by SIGKILL", Path("train.log"))
        tonight = self.file.read().tonight
        hear({"stage": "train", "step": "train", "done": 1, "total": 2})
        still = 0.0
        if tonight is not None and tonight.night == self.script.DISTURBED and self.notices:
            waited = threading.Event()
            while leash.idle_seconds() >= self.script.QUIET:
                waited.wait(0.02)
            still = 1.0
        return NightResult(
            run="run-1",
            outcome=RunState.PROMOTED,
            reasons=("better",),
            revision="r1",
            costs={"train": {"paused_seconds": still}},
        )

    def live(self) -> tuple[list[Any], list[str]]:
        week = self.script.Week(self.talked.append)
        lines, _ = self.script.live(
            week, self.file, self.work, list, say=lambda _: None, tick=timedelta(milliseconds=5)
        )
        return lines, self.script.wrong(lines, self.file, week.notes)


def test_seven_days_seven_nights(script: ModuleType, tmp_path: Path) -> None:
    """Each when it may: at eleven, once the cable is in again, caught up after the lid was closed. The person
    who comes back is seen, and every night is told."""
    lived = Lived(script, tmp_path)
    lines, wrong = lived.live()

    assert [] == wrong
    dates = [script.MONDAY + timedelta(days=n) for n in range(7)]
    assert dates == lived.talked
    assert [(night.isoformat(), "run") for night in dates if night != simulated().LID_CLOSED] == [
        (line.night, line.decision) for line in lines if line.night != simulated().LID_CLOSED.isoformat()
    ]
    began = {line.night: line.began for line in lines}
    assert "Mon 23:00" == began[script.MONDAY.isoformat()]
    assert "Thu 06:00" == began[simulated().UNPLUGGED.isoformat()]
    assert ("Sat 13:50", "catch_up") == next(
        (line.began, line.decision) for line in lines if line.night == simulated().LID_CLOSED.isoformat()
    )


def test_what_is_wrong_is_said(script: ModuleType, tmp_path: Path) -> None:
    """A night that failed, though it was tried again; a person who was not made way for."""
    lived = Lived(script, tmp_path, fails=1, notices=False)
    lines, wrong = lived.live()

    assert 8 == len(lines)
    assert [
        "2026-11-02: failed: train did not finish: it was ended by SIGKILL; see train.log",
        "2026-11-05: it did not stand still for who came back",
    ] == wrong
    none = script.wrong(lines[:3], lived.file, [])
    assert "2026-11-08: no night" in none
    assert "2026-11-02: 2 nights" in script.wrong([*lines, replace(lines[1])], lived.file, [])
