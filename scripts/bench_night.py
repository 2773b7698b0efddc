"""What a night costs, and what it costs the user who chats meanwhile.

Each stage: seconds on the clock, of the processor, memory at most, bytes written. The chat: time to the first
token without a night, beside one, and once the night stood still for it. In a home of its own that borrows
the starter base; engine and night are the real ones.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from night_place import make_home, make_night, small_recipe, starter

from adapters import BARE
from persona.child import Pause
from persona.engine.opener import open_engine
from persona.engine.protocol import Engine, Prompt, Sampling
from persona.nightly import run_night
from persona.schedule.leash import Leash
from persona.schedule.lookout import Lookout
from persona.train import Recipe
from store.records import Message

TOPICS = (
    "bread",
    "rust",
    "tides",
    "bees",
    "glass",
    "fjords",
    "echoes",
    "clouds",
    "keels",
    "yeast",
    "maps",
    "wool",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, help="a short training; without it, the default recipe")
    parser.add_argument("--conversations", type=int, help="of the sample week; without it, all")
    parser.add_argument(
        "--prompts", type=int, default=len(TOPICS), help="first tokens to wait for, each time"
    )
    parser.add_argument("--idle", action="store_true", help="priority = idle instead of low")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="persona-night-") as scratch:
        found = figures(Path(scratch), options)
    print(json.dumps(found, indent=1) if options.json else table(found))
    return 0


class User:
    """At the machine or not, as the measurement says; hears what the night does."""

    def __init__(self) -> None:
        self.here = False
        self.training = threading.Event()
        self.still = threading.Event()

    def idle_seconds(self) -> float:
        return 0.0 if self.here else float("inf")

    def hear(self, event: Mapping[str, Any]) -> None:
        if event.get("stage") == "train" and event.get("step") == "train":
            self.training.set()
        if event.get("event") == "paused":
            self.still.set()


def figures(scratch: Path, options: argparse.Namespace) -> dict[str, Any]:
    base, user = starter(), User()
    home = make_home(scratch / "home", base, options.conversations)
    recipe = Recipe() if options.steps is None else small_recipe(options.steps)
    engine = open_engine(base, BARE)
    found: dict[str, Any] = {"cores": os.cpu_count(), "priority": "idle" if options.idle else "low"}
    first = {}
    ended: list[Any] = []
    leash = Leash(math.inf, requests=lambda: math.inf)

    def look() -> None:  # as the daemon's clock does, once a second
        leash.look(user.idle_seconds(), presence=1.0, patience=math.inf)

    lookout = Lookout(look)

    def work() -> None:  # the store belongs to the thread that opened it
        night = make_night(
            home,
            base,
            recipe,
            on_progress=user.hear,
            pause=Pause(idle_seconds=leash.idle_seconds, quiet_seconds=1.0),
            idle=options.idle,
        )
        try:
            ended.append(run_night(night))
        finally:
            user.training.set()
            night.store.close()

    try:
        first_tokens(engine, 2)  # warm
        first["without a night"] = first_tokens(engine, options.prompts)
        thread = threading.Thread(target=work, name="night")
        lookout.start()
        thread.start()
        user.training.wait()
        first["beside a night"] = first_tokens(engine, options.prompts)
        came = time.monotonic()
        user.here = True
        stood_still = user.still.wait(10)
        found["seconds_to_stand_still"] = round(time.monotonic() - came, 2) if stood_still else None
        first["after it stood still"] = first_tokens(engine, options.prompts)
        user.here = False
        thread.join()
    finally:
        user.here = False
        lookout.stop()
        engine.close()
    if not ended:
        raise SystemExit("bench_night: the night did not come through")
    found["first_token_ms"] = summed = {name: summary(times) for name, times in first.items()}
    still, alone = summed["after it stood still"]["p95"], summed["without a night"]["p95"]
    found["p95_once_it_stood_still"] = round(still / alone, 2)
    found["night"] = {"outcome": str(ended[0].outcome), "stages": ended[0].costs}
    return found


def first_tokens(engine: Engine, count: int) -> list[float]:
    """Milliseconds to the first token of each of several short questions."""
    times = []
    for topic in TOPICS[:count]:
        asked = f"{topic.capitalize()}, at {time.monotonic_ns()}: what is there to know about it?"
        began = time.monotonic()
        answer = engine.stream(
            Prompt(messages=(Message(role="user", content=asked),)), Sampling(max_tokens=8)
        )
        next(answer)
        times.append((time.monotonic() - began) * 1000)
        for _ in answer:
            pass
    return times


def summary(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))], 1),
    }


def table(found: dict[str, Any]) -> str:
    lines = [f"{'stage':12} {'seconds':>8} {'processor':>10} {'memory':>9} {'written':>9}"]
    for name, stage in found["night"]["stages"].items():
        lines.append(
            f"{name:12} {stage['seconds']:8.1f} {stage['cpu_seconds']:8.1f} s "
            f"{stage['peak_bytes'] / 1e9:6.2f} GB {stage['written_bytes'] / 1e6:6.1f} MB"
        )
    lines += ["", f"{'time to first token':22} {'median':>8} {'p95':>8}"]
    for name, times in found["first_token_ms"].items():
        lines.append(f"{name:22} {times['median']:5.0f} ms {times['p95']:5.0f} ms")
    lines.append(f"{'then, of without':22} {found['p95_once_it_stood_still']:8.2f} times at p95")
    lines.append(f"{'it stood still after':22} {found['seconds_to_stand_still']} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
