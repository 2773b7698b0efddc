"""Cells made up for the tests."""

from __future__ import annotations

from typing import Any

from learning.cells import Case, Cell

from persona.report import Rate


def case(arm: str = "base", person: str = "nell", night: int = 1, seed: int = 0) -> Case:
    return Case(arm=arm, person=person, night=night, seed=seed)


def cell(of: Case, *, passed: int = 1, asked: int = 2, key: str = "", **more: Any) -> Cell:
    none = Rate(passed=0, asked=0)
    values: dict[str, Any] = {
        "key": key or str(of),
        "case": of,
        "adoption": Rate(passed=passed, asked=asked),
        "retention": none,
        "residue": none,
        "calls": none,
        "right": (1,) * passed + (0,) * (asked - passed),
        "drift": 0.01,
        "bytes": 9_800_000,
        "revision": "r0",
        "code": "abc",
        "wishes": {"Be brief.": Rate(passed=passed, asked=asked), "Sign off.": none},
        "abilities": {"code": Rate(passed=1, asked=3)},
        "form": {"words": 12.5},
        "training": {"seconds": 60.0, "steps": 24},
        "judging": {"seconds": 30.0},
    }
    return Cell(**{**values, **more})
