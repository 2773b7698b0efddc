"""What a running night is held by."""

from __future__ import annotations

import math

import pytest

from persona.schedule.leash import Leash


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_quiet_goes_on_between_readings() -> None:
    """Time passes without one."""
    clock = Clock()
    leash = Leash(300.0, requests=lambda: math.inf, clock=clock)
    clock.now += 10

    assert 310.0 == leash.idle_seconds()


def test_a_battery_wants_the_machine_all_the_time() -> None:
    """No quiet is no quiet, however long ago it was read."""
    clock = Clock()
    leash = Leash(0.0, requests=lambda: math.inf, clock=clock)
    clock.now += 500

    assert 0.0 == leash.idle_seconds()


def test_a_request_counts_at_once() -> None:
    """Before the next reading."""
    assert 0.5 == Leash(300.0, requests=lambda: 0.5).idle_seconds()


def test_patience() -> None:
    """Someone who comes and goes only delays; someone who stays ends it."""
    clock = Clock()
    leash = Leash(300.0, requests=lambda: math.inf, clock=clock)
    limits = {"presence": 60.0, "patience": 1200.0}

    assert leash.look(5.0, **limits)
    clock.now += 1100
    assert leash.look(5.0, **limits)
    clock.now += 50
    assert leash.look(61.0, **limits)
    clock.now += 1100
    assert leash.look(5.0, **limits)
    clock.now += 1199
    assert leash.look(5.0, **limits)
    clock.now += 1
    assert not leash.look(5.0, **limits)


@pytest.mark.parametrize("quiet", [math.inf, 1e9])
def test_nobody_to_be_seen(quiet: float) -> None:
    """It runs."""
    leash = Leash(quiet, requests=lambda: math.inf)

    assert leash.look(quiet, presence=60.0, patience=0.0)
    assert leash.idle_seconds() >= quiet
