"""A home of its own for measurements of nights: the starter base borrowed, part of the sample week in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import persona.engine  # noqa: F401  # before torch or llama.cpp is loaded: it says how their threads wait
from adapters import Registry
from persona.base import Base, prepare_base
from persona.capture.interchange import import_file
from persona.child import Budget, Pause
from persona.nightly import Night
from persona.paths import Home, make_private
from persona.promote import GatePolicy
from persona.train import Recipe, Schedule
from store import Store

WEEK = Path(__file__).parent.parent / "samples" / "week.jsonl"


def starter() -> Base:
    """Prepared once, where the tests keep theirs."""
    given = os.environ.get("PERSONA_TEST_BASES")
    return prepare_base(
        Home(Path(given) if given else Path.home() / ".cache" / "persona-tests"), "smollm2-135m"
    )


def small_recipe(steps: int) -> Recipe:
    """A night of a minute instead of several; what it learns is not the point.

    Three steps at least: the first has a rate of zero, and the second moves one factor of each LoRA pair
    alone, which the trainer refuses as a training that went wrong.
    """
    if steps < 3:
        raise ValueError(f"{steps} steps are no training: at least 3 are needed")
    return Recipe(
        schedule=Schedule(min_steps=steps, max_steps=steps),
        practice_prompts=8,
        practice_tokens=24,
        replay_prompts=8,
        replay_tokens=24,
    )


def make_home(root: Path, base: Base, conversations: int | None) -> Home:
    """A home with the first so many conversations of the week, or all of them."""
    home = Home(root)
    paths = home.identity("me")
    make_private(paths.folder)
    make_private(home.bases)
    home.base(base.name).symlink_to(base.path)
    lines = WEEK.read_text(encoding="utf-8").splitlines(keepends=True)
    part = root / "week.jsonl"
    part.write_text("".join(lines[:conversations]), encoding="utf-8")
    with Store.open(paths.store) as store:
        import_file(store, part)
    Registry.open(paths.adapters)
    return home


def make_night(
    home: Home,
    base: Base,
    recipe: Recipe,
    *,
    on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
    pause: Pause | None = None,
    cancel: threading.Event | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    idle: bool = False,
) -> Night:
    """Its gate lets everything pass: a short training earns no verdict. Its store belongs to this thread."""
    paths = home.identity("me")
    return Night(
        home=home,
        identity="me",
        store=Store.open(paths.store),
        registry=Registry.open(paths.adapters),
        base=base,
        recipe=recipe,
        policy=GatePolicy(doubt=0.5, min_prompts=1, min_gain=0.0, max_loss=1.0, max_mean_loss=1.0,
                          max_drift=100.0, max_residue=1.0,
                          max_truncated_gain=1.0, max_looping_gain=1.0, max_empty=1.0),
        budget=Budget(seconds=3600, idle=idle),
        pause=pause,
        cancel=cancel,
        now=now,
        on_progress=on_progress,
    )  # fmt: skip
