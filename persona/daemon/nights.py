"""The nights of one identity: begun by its clock, or because somebody asks; never two at a time.

A night runs in a thread of its own and works in children; answers go on meanwhile, and whoever asks for one
makes it stand still. The daemon sees its promotion as it would see anybody's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from persona.answers.keeping import collect
from persona.bootstrap import Persona
from persona.errors import Busy, PersonaError
from persona.failure import in_one_tree
from persona.schedule.assembly import night_clock
from persona.schedule.leash import Leash
from persona.schedule.probes import OwnTraffic
from store.records import Run

if TYPE_CHECKING:
    from persona.nightly import NightResult

_NOTHING: dict[str, Any] = {"stage": None, "step": "", "done": 0, "total": None}
_RECENT = 30  # runs; what nights take is measured on the last of them that trained

_log = logging.getLogger(__name__)

Tell = Callable[[str, Mapping[str, Any]], None]


class Nights:
    """Thread-safe. `open_persona` gives a Persona of the identity, to each thread one of its own; `tell` is
    told how nights go, and `leased` are the ids of the revisions that are loaded now."""

    def __init__(
        self,
        open_persona: Callable[[], Persona],
        *,
        tell: Tell,
        traffic: OwnTraffic,
        leased: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        self._open_persona = open_persona
        self._tell = tell
        self._leased = leased
        self._starting = threading.Lock()
        self._started = False
        self._going: dict[str, Any] = _NOTHING
        self._last: dict[str, Any] | None = None
        with open_persona() as persona:
            self._clock = night_clock(
                persona.settings.schedule,
                quiet_seconds=persona.settings.train.quiet_seconds,
                file=persona.paths.schedule,
                traffic=traffic,
                runs=self._runs,
                night=self._night,
            )

    def come_by_themselves(self) -> None:
        """From now on, after what was cut off is put in order."""
        try:
            with in_one_tree(), self._open_persona() as persona:
                persona.recover()
        except Busy:
            pass  # a night of another process; each begins with this
        except PersonaError as error:
            _log.error("what a night left could not be put in order: %s", error)  # expected, no traceback
        self._start(by_itself=True)

    def ask(self) -> dict[str, Any]:
        """Begin one now. NightRuns while one goes on."""
        with in_one_tree():
            self._start(by_itself=False)
            self._clock.ask()
        return {"started": True}

    def state(self) -> dict[str, Any]:
        """For `status`: whether a night goes on and what it does, and how the last one ended."""
        clock = self._clock.status()
        return {**clock, **(self._going if clock["running"] else _NOTHING), "last": self._last}

    def close(self) -> None:
        """End the night that goes on; its run is closed as interrupted. Idempotent."""
        self._clock.stop()

    def _start(self, *, by_itself: bool) -> None:
        with self._starting:
            if not self._started:
                self._clock.start(by_itself=by_itself)
                self._started = True

    def _runs(self) -> Sequence[Run]:
        with in_one_tree(), self._open_persona() as persona:
            return persona.store.runs.recent(_RECENT)

    def _night(self, leash: Leash) -> NightResult:
        self._going = _NOTHING
        self._tell("night", {"state": "started"})
        _log.info("a night begins")
        try:
            with in_one_tree(), self._open_persona() as persona:
                result = persona.night(self._go_on, cancel=leash.cancel, idle_seconds=leash.idle_seconds)
                self._tidy(persona)
        except BaseException as error:
            code = error.exit_code if isinstance(error, PersonaError) else 1
            why = str(error) or type(error).__name__
            self._end({"state": "failed", "exit_code": code, "why": why})
            raise
        self._end(
            {
                "state": "ended",
                "outcome": result.outcome,
                "run": result.run,
                "revision": result.revision,
                "reasons": list(result.reasons),
            }
        )
        return result

    def _go_on(self, event: Mapping[str, Any]) -> None:
        """The same as who runs a night by hand is shown; in the log, a line for each step."""
        before = self._going
        self._going = going = {name: event.get(name, nothing) for name, nothing in _NOTHING.items()}
        self._tell("night", {"state": "running", **going})
        if (before["stage"], before["step"]) != (going["stage"], going["step"]):
            _log.info("night: %s: %s", going["stage"], going["step"])

    def _tidy(self, persona: Persona) -> None:
        """What the night left behind for good goes as [keep] says."""
        try:
            with in_one_tree():
                collect(persona, yes=True, leased=self._leased())
        except PersonaError as error:
            _log.warning("revisions that nobody needs stay: %s", error)

    def _end(self, ended: dict[str, Any]) -> None:
        self._last = ended
        if ended["state"] == "ended":  # without its reasons, which name what someone prefers
            _log.info("the night ended: %s %s", ended["outcome"], ended["revision"] or "")
        self._tell("night", ended)
