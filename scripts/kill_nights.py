"""Kills nights at random moments, by kill -9, and looks at what the next one makes of it.

Real nights with real children on the starter base and a small recipe. After every kill: no child is left,
every run has an end, nothing half is in the registry, no word of the user lies in a run's folder. A home
whose night came through at last must hold the same adapter, byte for byte, as one that nothing disturbed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from night_place import make_home, make_night, small_recipe, starter

from adapters import Bare, Registry
from persona.nightly import recover, run_night
from persona.paths import Home
from store import Store
from store.records import RunState

PATIENCE = 10.0  # seconds until a child has noticed that its parent is gone


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=4, help="of each training")
    parser.add_argument("--conversations", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--one-night", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_night:
        run_night(make_night(Home(options.one_night), starter(), small_recipe(options.steps)))
        return 0
    with tempfile.TemporaryDirectory(prefix="persona-kills-") as scratch:
        found = figures(Path(scratch), options)
    print(json.dumps(found, indent=1) if options.json else table(found))
    return 1 if found["violations"] else 0


@dataclass
class Tally:
    during: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    recovery_seconds: list[float] = field(default_factory=list)
    finished: int = 0
    same: int = 0


def figures(scratch: Path, options: argparse.Namespace) -> dict[str, Any]:
    base, dice, tally = starter(), random.Random(options.seed), Tally()
    began = time.monotonic()
    reference = make_home(scratch / "reference", base, options.conversations)
    start_night(reference, options).wait()
    whole = time.monotonic() - began
    wanted = adapter_of(reference)
    if wanted is None:
        raise RuntimeError(f"the undisturbed night built nothing: {reference_reason(reference)}")
    homes, kills = 0, 0
    home: Home | None = None
    while kills < options.kills:
        if home is None:
            homes += 1
            home = make_home(scratch / f"home-{homes}", base, options.conversations)
        night = start_night(home, options)
        if not kill(night, dice.uniform(0.02, 1.0) * whole, dice, tally):
            tally.finished += 1
            tally.same += adapter_of(home) == wanted
            home = None
            continue
        kills += 1
        check(home, tally)
        if champion_of(home) != "r0":
            tally.finished += 1
            tally.same += adapter_of(home) == wanted
            home = None
    if home is not None:  # one last night in peace
        start_night(home, options).wait()
        tally.finished += 1
        tally.same += adapter_of(home) == wanted
    return {
        "kills": kills,
        "one_night_seconds": round(whole, 1),
        "killed_while": dict(tally.during),
        "killed": dict(tally.victims),
        "recovery_seconds_worst": round(max(tally.recovery_seconds, default=0.0), 2),
        "homes_finished": tally.finished,
        "with_the_same_adapter": tally.same,
        "violations": tally.violations + ([] if tally.same == tally.finished else ["another adapter"]),
    }


def start_night(home: Home, options: argparse.Namespace) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--one-night", str(home.root), "--steps", str(options.steps)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(night: subprocess.Popen[bytes], after: float, dice: random.Random, tally: Tally) -> bool:
    """kill -9 of the night, or of its child if it has one and the dice say so. False: it had ended."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        if night.poll() is not None:
            return False
        time.sleep(0.02)
    try:
        family = psutil.Process(night.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    stage = next(
        (word for word in ("train", "evaluate") if any(runs(each, word) for each in family)), "between"
    )
    tally.during[stage] += 1
    if family and dice.random() < 0.3:
        tally.victims["the child"] += 1
        family[0].kill()
        night.wait()
    else:
        tally.victims["the night"] += 1
        night.send_signal(signal.SIGKILL)
        night.wait()
    deadline = time.monotonic() + PATIENCE
    while any(alive(each) for each in family) and time.monotonic() < deadline:
        time.sleep(0.05)
    if any(alive(each) for each in family):
        tally.violations.append("a child outlived its night")
    return True


def runs(process: psutil.Process, stage: str) -> bool:
    try:
        return f"persona.{stage}" in process.cmdline()
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def check(home: Home, tally: Tally) -> None:
    """What a person would find in the morning, once the next start has put it in order."""
    paths = home.identity("me")
    registry = Registry.open(paths.adapters)
    with Store.open(paths.store) as store:
        began = time.monotonic()
        recover(runs=home.runs, store=store, registry=registry, now=datetime.now(UTC))
        tally.recovery_seconds.append(time.monotonic() - began)
        wrong = [str(problem) for problem in (*store.verify(), *registry.verify(deep=True))]
        wrong += [f"{run.id} has no end" for run in store.runs.all() if run.state is RunState.STARTED]
        wrong += [f"{name} is staged" for name in registry.staged()]
        wrong += [str(file) for file in home.runs.rglob("*") if file.is_file() and file.suffix != ".log"]
        if len(registry.revisions()) > 1:
            wrong.append("the same examples were built twice")
    tally.violations += wrong


def champion_of(home: Home) -> str:
    return Registry.open(home.identity("me").adapters).champion()


def adapter_of(home: Home) -> str | None:
    """The champion's, by its digest; None while that is the bare base."""
    revision = Registry.open(home.identity("me").adapters).resolve("champion")
    return None if isinstance(revision, Bare) else revision.files["adapter_model.safetensors"].digest


def reference_reason(home: Home) -> str:
    with Store.open(home.identity("me").store) as store:
        return "; ".join(run.reasons[0] for run in store.runs.all() if run.reasons)


def table(found: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):26} {value}" for name, value in found.items() if name != "violations"]
    return "\n".join([*lines, *(f"VIOLATION: {each}" for each in found["violations"])] or ["nothing"])


if __name__ == "__main__":
    sys.exit(main())
