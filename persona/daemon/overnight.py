"""The nights that come by themselves: the clock of the daemon's own identity.

A night runs in a thread of its own and works in children; answers go on meanwhile, and a person who comes
makes it stand still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from persona.bootstrap import Persona
from persona.failure import in_one_tree
from persona.schedule.assembly import night_clock
from persona.schedule.clock import NightClock
from persona.schedule.leash import Leash
from persona.schedule.probes import OwnTraffic
from store.records import Run

if TYPE_CHECKING:
    from persona.nightly import NightResult

_RECENT = 30  # runs; what nights take is measured on the last of them that trained

Tell = Callable[[str, Mapping[str, Any]], None]


@contextmanager
def overnight(open_persona: Callable[[], Persona], tell: Tell, traffic: OwnTraffic) -> Iterator[NightClock]:
    """Nights come while the body runs. `open_persona` gives a Persona of the identity, to each thread one of
    its own; `tell` is told how nights go."""

    def runs() -> Sequence[Run]:
        with in_one_tree(), open_persona() as persona:
            return persona.store.runs.recent(_RECENT)

    def night(leash: Leash) -> NightResult:
        tell("night", {"state": "started"})
        try:
            with in_one_tree(), open_persona() as persona:
                result = persona.night(
                    lambda event: tell("night", {"state": "running", "step": str(event.get("step", ""))}),
                    cancel=leash.cancel,
                    idle_seconds=leash.idle_seconds,
                )
        except BaseException as error:
            tell("night", {"state": "failed", "why": str(error) or type(error).__name__})
            raise
        ended = {"outcome": result.outcome, "revision": result.revision, "reasons": list(result.reasons)}
        tell("night", {"state": "ended", **ended})
        return result

    with open_persona() as persona:
        settings, file = persona.settings.schedule, persona.paths.schedule
    clock = night_clock(settings, file=file, traffic=traffic, runs=runs, night=night)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()
