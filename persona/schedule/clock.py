"""The night's clock: every few minutes it asks the policy, begins nights, and keeps them out of the way.

Nights that somebody asks for begin here too.

A night is on record before it begins, so no crash can make it begin again without end; it runs in a thread of
its own, so the clock goes on and sees a person who comes back.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from tzlocal import reload_localzone

from adapters.errors import RegistryError
from persona.errors import ChildFailed, Damaged, NightRuns, OutOfMemory, PersonaError
from persona.schedule.awake import Wakefulness
from persona.schedule.circumstances import Machine, Missing, Needs, Past, Terms
from persona.schedule.leash import Leash, NightWork
from persona.schedule.lookout import Lookout
from persona.schedule.news import news
from persona.schedule.note import Note
from persona.schedule.policy import CatchUp, Decision, Run, Wait, decide, quiet_seconds
from persona.schedule.probes import Panel
from persona.schedule.probes.traffic import OwnTraffic
from persona.schedule.state import Entry, ScheduleFile, ScheduleState, entry_json
from persona.schedule.ticker import Ticker
from store.records import Run as PastRun
from store.records import RunState

_log = logging.getLogger("persona.schedule")

TICK = timedelta(minutes=5)
_PATIENCE = 20 * 60.0  # seconds that a night stands still for someone before it ends
_STOP_PATIENCE = 15.0
_RECENT = timedelta(days=2)
_MADE_WAY = 75  # the exit code of errors that mean "try again later"
_GOOD = (RunState.PROMOTED, RunState.REJECTED, RunState.NOTHING_TO_LEARN)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a clock works with. `runs` gives the past nights, oldest first; it is called in the clock's
    thread, `night` in one of the night's own. Less than `presence` seconds of quiet: someone is there."""

    terms: Terms
    presence: float
    file: ScheduleFile
    panel: Panel
    traffic: OwnTraffic
    wakefulness: Wakefulness
    note: Note
    runs: Callable[[], Sequence[PastRun]]
    night: NightWork
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    zone: Callable[[], tzinfo] = reload_localzone  # read again each time: laptops travel
    tick: timedelta = TICK


class NightClock:
    """One identity's. `start` once, `stop` once; `ask`, `status` and `traffic.touch` from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.traffic = parts.traffic
        self._ticking = threading.Lock()
        self._guard = threading.RLock()
        self._state = ScheduleState()
        self._decision: Decision | None = None
        self._decided_at: datetime | None = None
        self._leash: Leash | None = None
        self._asked_for = False
        self._worker: threading.Thread | None = None
        self._revision: str | None = None
        self._ticker = Ticker()

    def start(self, *, by_itself: bool = True) -> None:
        """The first look at the clock happens at once. Not `by_itself`: nights begin only by `ask`."""
        self._open()
        if by_itself:
            self._ticker.every(self._parts.tick, self.tick, "tick")
        self._ticker.start()

    def stop(self) -> None:
        """No night begins any more; one that runs is told to end, and waited for. Idempotent."""
        self._end_night()
        self._ticker.stop()
        self._end_night()  # one that a last tick began
        if self._worker is not None:
            self._worker.join(_STOP_PATIENCE)
        self._parts.wakefulness.let_go()

    def ask(self) -> None:
        """Begin a night now, whatever the hour. It makes way to requests, and not to whoever is at the
        machine, who asked for it. NightRuns while one runs.
        """
        with self._guard:
            if self._leash is not None:
                raise NightRuns
            now = self._parts.now()
            night = self._parts.terms.window.night_of(now, self._parts.zone())
            self._begin(night, now, quiet=math.inf, asked_for=True)

    def status(self) -> dict[str, Any]:
        """JSON: whether a night runs, and what was decided last."""
        with self._guard:
            decision, at, running = self._decision, self._decided_at, self._leash is not None
            state = self._state
        entry = None if decision is None or at is None else entry_json(Entry.of(decision, at))
        return {
            "enabled": self._parts.terms.enabled,
            "window": str(self._parts.terms.window),
            "running": running,
            "decision": entry,
            "last_done": max(state.done, default=None) and max(state.done).isoformat(),
            "ticks": dict(self._ticker.counts),
        }

    def tick(self) -> None:
        """One look: read, decide, and begin a night if it is time."""
        with self._ticking:
            self._tick()

    def _tick(self) -> None:
        with self._guard:
            if self._leash is not None:
                return
        parts = self._parts
        machine, runs = parts.panel.read(), parts.runs()
        now, zone = parts.now(), parts.zone()
        decision = decide(
            now,
            zone,
            terms=parts.terms,
            needs=Needs.of(runs),
            machine=machine,
            past=self._past(now, zone, runs),
        )
        with self._guard:
            self._decision, self._decided_at = decision, now
            self._remember(self._state.decided(decision, now))
            if isinstance(decision, Run | CatchUp) and self._leash is None:
                self._begin(decision.night, now, quiet=quiet_seconds(parts.terms, machine))
        self._keep_awake(decision)
        self._tell(machine)

    def watch(self) -> None:
        """While a night runs, every second: see who is there."""
        with self._guard:
            leash = self._leash
        if leash is None:
            return
        parts = self._parts
        quiet = math.inf if self._asked_for else quiet_seconds(parts.terms, parts.panel.glance())
        if not leash.look(quiet, presence=parts.presence, patience=_PATIENCE):
            leash.cancel.set()
        with self._guard:
            if self._leash is not leash:
                return  # it ended meanwhile
            if leash.idle_seconds() < parts.presence:
                parts.wakefulness.let_go()
            else:
                parts.wakefulness.hold()

    def _end_night(self) -> None:
        with self._guard:
            if self._leash is not None:
                self._leash.cancel.set()

    def _open(self) -> None:
        try:
            state = self._parts.file.read()
        except Damaged as error:
            # The runs still say what was done; what stands in the way of learning goes aside.
            aside = self._parts.file.set_aside()
            _log.error("schedule: %s; it is now %s", error, aside)  # expected, no traceback
            state = ScheduleState()
        with self._guard:
            self._state = state
            self._remember(state.opened(self._parts.now()))

    def _past(self, now: datetime, zone: tzinfo, runs: Sequence[PastRun]) -> Past:
        """What is on record, and nights that someone ran by hand or whose end was not written here."""
        window = self._parts.terms.window
        by_hand = {
            window.night_of(run.started_at, zone)
            for run in runs
            if run.state in _GOOD and abs(now - run.started_at) < _RECENT
        }
        with self._guard:
            past = self._state.past(window.night_of(now, zone))
        return replace(past, done=past.done | by_hand)

    def _begin(self, night: date, now: datetime, *, quiet: float, asked_for: bool = False) -> None:
        self._remember(self._state.begun(night, now))
        self._asked_for = asked_for
        self._leash = Leash(quiet, requests=self._requests)
        self._worker = threading.Thread(
            target=self._work, args=(self._leash,), name="persona-night", daemon=True
        )
        self._worker.start()

    def _requests(self) -> float:
        found = self.traffic.read()
        return math.inf if isinstance(found, Missing) else found.value.total_seconds()

    def _work(self, leash: Leash) -> None:
        lookout = Lookout(self.watch)
        lookout.start()
        try:
            end = self._ended(leash)
            with self._guard:
                state = end(self._state, self._parts.now())
                told = news(state, retries=self._parts.terms.retries, revision=self._revision)
                self._remember(replace(state, untold=told or state.untold))
        except RegistryError as error:
            # The store has the run's end; this record is made good by the next process (`opened`).
            _log.error("schedule: the end of the night is not on record: %s", error)
        finally:
            lookout.stop()
            with self._guard:
                self._leash = None
                self._parts.wakefulness.let_go()

    def _ended(self, leash: Leash) -> Callable[[ScheduleState, datetime], ScheduleState]:
        """Runs the night; how it ended, as a change of the state."""
        try:
            end = self._parts.night(leash)
        except KeyboardInterrupt:
            why = "ended for a shutdown, or for someone at the machine"
            return lambda state, now: state.made_way(why, now)
        except PersonaError as error:
            line = str(error)
            if error.exit_code == _MADE_WAY:
                return lambda state, now: state.made_way(line, now)
            if isinstance(error, OutOfMemory):  # after all its tries, in ever smaller portions
                advice = f"memory ran out {error.tries} times: {error.advice}"
                _log.warning("schedule: the night is skipped: %s", advice)
                return lambda state, now: state.skipped(advice, now)
            if isinstance(error, ChildFailed):  # its last line may quote what someone wrote
                line = f"{type(error).__name__}: see {error.log}"
            _log.warning("schedule: the night failed: %s", line)
            return lambda state, now: state.failed(line, now)
        except Exception as error:  # noqa: BLE001  # a bug in a night must not end the clock
            _log.exception("schedule: the night failed")
            kind = type(error).__name__  # the message may quote what someone wrote
            return lambda state, now: state.failed(f"{kind}: the daemon's log says more", now)
        outcome, self._revision = str(end.outcome), end.revision
        return lambda state, now: state.done_with(outcome, now)

    def _remember(self, state: ScheduleState) -> None:
        """Durable before it counts. Raises adapters.errors.WriteFailed."""
        if state is not self._state:
            self._parts.file.write(state)
            self._state = state

    def _keep_awake(self, decision: Decision) -> None:
        if isinstance(decision, Wait) and not decision.keep_awake:
            self._parts.wakefulness.let_go()
        else:
            self._parts.wakefulness.hold()

    def _tell(self, machine: Machine) -> None:
        """The morning's note: when someone is there to read it. It outlives the daemon: a laptop may be shut
        down before."""
        away = not isinstance(machine.idle, Missing) and machine.idle > 2 * TICK
        with self._guard:
            text = self._state.untold
            if not text or away:
                return
            self._remember(replace(self._state, untold=""))
        if missing := self._parts.note.show(text):
            _log.info("schedule: no note on the desktop: %s", missing.reason)
