"""What a night works on and with, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from adapters import Registry
from persona.base import Base
from persona.child import Budget, Pause
from persona.nightly.tries import Tried, tried
from persona.paths import Home
from persona.promote import GatePolicy
from persona.report import EvalReport
from persona.train import Recipe
from store import Store
from store.records import RunState

if TYPE_CHECKING:
    from persona.engine.opener import EngineKind

Event = Mapping[str, Any]
Done = TypeVar("Done")


@dataclass(frozen=True, kw_only=True)
class Night:
    """What a night works on and with. Whoever runs it holds the home's lock."""

    home: Home
    identity: str
    store: Store
    registry: Registry
    base: Base
    recipe: Recipe
    policy: GatePolicy
    budget: Budget
    engine: EngineKind = "auto"
    device: str = "auto"
    threads: int = 0
    pause: Pause | None = None
    on_progress: Callable[[Event], None] = lambda _: None
    cancel: threading.Event | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class NightResult:
    """`outcome` is PROMOTED, REJECTED or NOTHING_TO_LEARN; `revision` is "r7", or None when none was made.

    `costs` is by stage: see persona.nightly.costs.
    """

    run: str
    outcome: RunState
    reasons: tuple[str, ...]
    revision: str | None = None
    report: EvalReport | None = None
    costs: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)


def in_tries(night: Night, stage: str, attempt: Callable[[int, Budget], Done]) -> Tried[Done]:
    """Work of one stage in a child, as often as it takes; see persona.nightly.tries."""
    return tried(
        attempt,
        budget=night.budget,
        pause=night.pause,
        cancel=night.cancel,
        on_progress=lambda event: night.on_progress({"stage": stage, **event}),
    )
