"""Simulated machines: no night that was possible is missed, none is doubled, nobody is disturbed.

scripts/simulate_nights runs ten thousand days; here are fewer, and the proof that the account would notice.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from persona.schedule.policy import CatchUp, Decision, Wait, decide

SCRIPT = Path(__file__).parents[2] / "scripts" / "simulate_nights.py"


@pytest.fixture
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_nights", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def figures(simulation: ModuleType, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = simulation.simulate(given.pop("days", 300), machines=15, seed=3)
    return found


def test_nothing_missed_nothing_doubled(simulation: ModuleType) -> None:
    """Over zones, clock changes, clocks set wrong, sleep, journeys, failures and power cuts."""
    found = figures(simulation, days=180)

    assert [0, 0, 0, 0, 0.0] == [
        found[name] for name in ("missed", "doubled", "misnamed", "disturbed", "late_minutes")
    ]
    assert found["learned"] > 0.6 * found["possible"]
    assert min(found["caught_up"], found["made_way"], found["failed"]) > 3


def never_by_day(now: Any, zone: Any, **given: Any) -> Decision:
    found = decide(now, zone, **given)
    return Wait(night=found.night, reasons=()) if isinstance(found, CatchUp) else found


def forgetful(now: Any, zone: Any, **given: Any) -> Decision:
    return decide(now, zone, **{**given, "past": replace(given["past"], done=frozenset())})


def rude(now: Any, zone: Any, **given: Any) -> Decision:
    return decide(now, zone, **{**given, "terms": replace(given["terms"], idle=timedelta(0))})


def sluggish(now: Any, zone: Any, **given: Any) -> Decision:
    found = decide(now, zone, **given)
    return Wait(night=found.night, reasons=()) if now.minute % 30 >= 10 else found


@pytest.mark.parametrize(
    ("policy", "figure"),
    [(never_by_day, "missed"), (forgetful, "doubled"), (rude, "disturbed"), (sluggish, "late_minutes")],
)
def test_the_account_would_notice(
    simulation: ModuleType, policy: Callable[..., Decision], figure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy with a fault shows in the figure of that fault."""
    monkeypatch.setattr(simulation, "decide", policy)

    assert figures(simulation, days=60)[figure] > 0
