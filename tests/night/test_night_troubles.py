"""Real nights on the starter base that meet trouble: little memory, a full disk, someone who comes back."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from persona.base import Base
from persona.child import Budget, Pause
from persona.errors import OutOfMemory
from persona.nightly import Night, run_night
from store.records import RunState

pytestmark = [pytest.mark.base, pytest.mark.slow, pytest.mark.timeout(900)]

HERE = Path(__file__).parent


class Person:
    """Comes at the first step of the training, and stays for some seconds."""

    def __init__(self, stay: float) -> None:
        self.stay, self.came = stay, math.inf
        self.events: list[str] = []

    def hear(self, event: Any) -> None:
        if event.get("step") == "train" and self.came == math.inf:
            self.came = time.monotonic()
        if "event" in event:
            self.events.append(event["event"])

    def idle_seconds(self) -> float:
        away = time.monotonic() - self.came
        return math.inf if away < 0 else max(0.0, away - self.stay)


@pytest.fixture
def person() -> Person:
    return Person(stay=3.0)


@pytest.fixture
def night(
    starter_base: Base, tmp_path: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Night]:
    monkeypatch.syspath_prepend(HERE.parents[1] / "scripts")
    from night_place import make_home, make_night, small_recipe

    home = make_home(tmp_path / "home", starter_base, 12)
    made = make_night(
        home,
        starter_base,
        small_recipe(3),
        on_progress=person.hear,
        pause=Pause(idle_seconds=person.idle_seconds, quiet_seconds=0.5),
    )
    yield made
    made.store.close()


def test_little_memory_and_a_person(night: Night, person: Person) -> None:
    """A limit that the child cannot keep kills the child, three times, and only it; with more, the same night
    stands still for a person and comes through."""
    with pytest.raises(OutOfMemory, match="the last of 3 tries") as short:
        run_night(replace(night, budget=Budget(seconds=600, memory_bytes=300_000_000)))
    assert "raise train.memory_gb" in str(short.value)
    (run,) = night.store.runs.all()
    assert RunState.FAILED is run.state
    assert {} == night.registry.staged()

    done = run_night(night)
    assert RunState.PROMOTED is done.outcome
    still = sum(float(stage.get("paused_seconds", 0)) for stage in done.costs.values())
    assert still >= person.stay
    assert ["paused", "continued"] == [each for each in person.events if each in ("paused", "continued")]
    assert [] == night.registry.verify(deep=True)


def test_a_person_at_a_machine_that_cannot_stand_still(
    night: Night, person: Person, starter_base: Base, tmp_path: Path
) -> None:
    """As with a graphics card: the training ends for the person, comes back where it was, and makes the
    adapter of a night that nobody disturbed."""
    from night_place import make_home, make_night, small_recipe

    assert night.pause is not None
    disturbed = run_night(replace(night, pause=replace(night.pause, manner="end")))
    calm = make_night(make_home(tmp_path / "calm", starter_base, 12), starter_base, small_recipe(3))
    undisturbed = run_night(calm)

    assert disturbed.costs["train"]["restarts"] == 1
    assert ["r1", "r1"] == [disturbed.revision, undisturbed.revision]
    one, other = (each.registry.resolve("r1") for each in (night, calm))
    name = "adapter_model.safetensors"
    assert one.files[name].digest == other.files[name].digest
    assert not list(night.home.runs.rglob("checkpoint"))
    calm.store.close()


def test_a_disk_that_gets_full(starter_base: Base, tmp_path: Path) -> None:
    """In the middle of a training, to the last byte: one line of advice, exit code 8, the champion stays;
    once there is room again the next night gives the run its end and comes through."""
    tool = shutil.which("unshare")
    if tool is None:
        pytest.skip("no unshare: a small disk cannot be made here")
    mount = 'mount -t tmpfs -o size=400m,mode=700 none "$1" || exit 99; exec "$2" "$3" "$1"'
    ran = subprocess.run(
        [tool, "-rm", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, str(HERE / "full_disk.py")],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 99 or "unshare failed" in ran.stderr:
        pytest.skip(f"a small disk cannot be made here: {ran.stderr.strip()}")
    assert 0 == ran.returncode, ran.stderr
    found = json.loads(ran.stdout)

    assert (8, "r0") == (found["exit_code"], found["champion"])
    assert "free some space" in found["said"]
    assert found["filled"] > 10**8
    assert "promoted" == found["outcome"]
    assert found["states"][0] in ("failed", "interrupted")
    assert [] == found["wrong"] == found["staged"]
