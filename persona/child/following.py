"""One child while it runs: its lines, its budget, and the user, looked at five times a second."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import psutil

from persona.child.budget import Budget, Excess, Meter, Usage, family_of, has_ended
from persona.child.ending import freeze, thaw
from persona.child.lines import LineReader
from persona.child.pause import Pause, Stopwatch

OnProgress = Callable[[Mapping[str, Any]], None]

_POLL_SECONDS = 0.2


class GaveWay(Exception):
    """The user came back, and this child is not one that can stand still."""


class Following:
    """Passes on what the child says, and stops it for the user; `usage` is what it used until now."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        *,
        log: IO[bytes],
        budget: Budget,
        on_progress: OnProgress,
        cancel: threading.Event | None,
        pause: Pause | None,
    ) -> None:
        assert child.stdout is not None
        self.usage = Usage()
        self._root = psutil.Process(child.pid)
        self._lines = LineReader(child.stdout)
        self._log, self._budget, self._on_progress = log, budget, on_progress
        self._cancel, self._pause = cancel, pause
        self._watch = Stopwatch()
        self._meter = Meter()

    def until_end(self) -> Excess | None:
        """Returns when the child has ended, or which budget it has spent. Raises GaveWay, KeyboardInterrupt.

        The child is not reaped here: see persona.child.ending.
        """
        while not has_ended(self._root):
            if self._cancel is not None and self._cancel.is_set():
                raise KeyboardInterrupt
            self._read_meter()
            if excess := self._budget.exceeded_by(self.usage):
                return excess
            self._make_room()
            self._pass_on(self._lines.read(_POLL_SECONDS))
        self._read_meter()
        self._pass_on(self._lines.rest())
        return None

    def _read_meter(self) -> None:
        self.usage = self._meter.read(
            family_of(self._root),
            seconds=self._watch.seconds,
            paused_seconds=self._watch.paused_seconds,
        )

    def _make_room(self) -> None:
        if self._pause is None or self._pause.wanted() == self._watch.paused:
            return
        if self._pause.manner == "end":
            raise GaveWay
        stand_still = not self._watch.paused
        (freeze if stand_still else thaw)(self._root)
        self._watch.turn(paused=stand_still)
        step = "standing still while you are here" if stand_still else "going on"
        self._on_progress({"event": "paused" if stand_still else "continued", "step": step, "done": 0})

    def _pass_on(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            event = _event(line)
            if event is None:
                self._log.write(line)  # a library that prints
                self._log.flush()
            else:
                self._on_progress(event)


def _event(line: bytes) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
