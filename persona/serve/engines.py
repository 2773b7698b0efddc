"""The loaded engines of one identity: one a revision, a bounded number, closed when nobody holds them.

One of them is the main one: it stays loaded, and another takes its place without a moment between the two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters import Bare, Revision
from persona.engine.protocol import Engine
from persona.errors import EngineClosed, EnginesBusy

OpenEngine = Callable[[Revision | Bare], Engine]
"""Loads and checks; whoever calls it closes the engine."""

Answering = Revision | Bare


@dataclass(kw_only=True, slots=True, eq=False)
class _Place:
    """Room for one engine. `holders` counts who uses it; `engine` is None while it loads. One that was the
    main one is closed as soon as nobody holds it.
    """

    revision: Answering
    holders: int
    used: float
    engine: Engine | None = None
    was_main: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """One engine, and how many requests it answers."""

    revision: Answering
    answering: int


class Engines:
    """Thread-safe. At most `limit` engines are loaded; `patience` is how many seconds a request waits for
    room, and `idle` after how many an engine that nobody asked is closed.
    """

    def __init__(
        self, open_engine: OpenEngine, *, limit: int = 3, patience: float = 30.0, idle: float = 300.0
    ) -> None:
        if limit < 2:
            raise ValueError("a swap needs room for two engines")
        self._open = open_engine
        self._limit = limit
        self._patience = patience
        self._idle = idle
        self._changed = threading.Condition()
        self._places: dict[str, _Place] = {}
        self._main: str | None = None
        self._closed = False

    @property
    def main(self) -> Answering | None:
        """What `hold_main` gives now; None before the first `make_main`."""
        with self._changed:
            return None if self._main is None else self._places[self._main].revision

    @contextmanager
    def hold(self, revision: Answering) -> Iterator[Engine]:
        """The engine of `revision`, loaded if it was not. EnginesBusy when there is no room, and what loading
        raises.
        """
        place = self._enter(revision)
        try:
            yield _engine(place)
        finally:
            self._leave(place)

    @contextmanager
    def hold_main(self) -> Iterator[tuple[Answering, Engine]]:
        """The main engine and its revision, at once. EngineClosed when there is none."""
        with self._changed:
            if self._main is None:
                raise EngineClosed("persona")
            place = self._places[self._main]
            place.holders += 1
        try:
            yield place.revision, _engine(place)
        finally:
            self._leave(place)

    def make_main(self, revision: Answering) -> None:
        """Load `revision` beside the main engine, then put it in its place. When it cannot be loaded, the old
        one stays and the error leaves. The old one is closed as soon as nobody holds it.
        """
        place = self._enter(revision)
        with self._changed:
            before = None if self._main in (None, revision.id) else self._places[self._main]
            if before is not None:
                before.was_main = True
                before.holders += 1
            self._main, place.was_main = revision.id, False
        if before is not None:
            self._leave(before)
        self._leave(place)

    def sweep(self) -> None:
        """Close what nobody has asked for some time."""
        before = time.monotonic() - self._idle
        with self._changed:
            doomed = [self._take(place) for place in self._idle_places() if place.used < before]
        _close(doomed)

    def loaded(self) -> list[Loaded]:
        with self._changed:
            return [
                Loaded(revision=place.revision, answering=place.holders)
                for place in self._places.values()
                if place.engine is not None
            ]

    def close(self, *, wait: float = 0.0) -> None:
        """Let nobody in, wait up to `wait` seconds for those who hold an engine, and close them all."""
        with self._changed:
            self._closed, self._main = True, None
            self._changed.notify_all()
            self._changed.wait_for(lambda: not any(p.holders for p in self._places.values()), wait)
            doomed = [self._take(place) for place in list(self._places.values()) if place.engine]
        _close(doomed)

    def _enter(self, revision: Answering) -> _Place:
        """The place of `revision`, with its engine in it, held once more."""
        deadline = time.monotonic() + self._patience
        doomed: list[Engine] = []
        with self._changed:
            while True:
                if self._closed:
                    raise EngineClosed(revision.id)
                place = self._places.get(revision.id)
                if place is not None and place.engine is not None:
                    place.holders += 1
                    return place
                if place is None and self._make_room(doomed):
                    place = _Place(revision=revision, holders=1, used=time.monotonic())
                    self._places[revision.id] = place
                    break
                if not self._changed.wait(deadline - time.monotonic()):
                    raise EnginesBusy(revision.ref, self._limit)
        _close(doomed)
        self._load(place)
        return place

    def _load(self, place: _Place) -> None:
        """Whoever waits for this place goes on when it is there, and tries for itself when it failed."""
        try:
            engine = self._open(place.revision)
        except BaseException:
            with self._changed:
                del self._places[place.revision.id]
                self._changed.notify_all()
            raise
        with self._changed:
            if not self._closed:
                place.engine = engine
                self._changed.notify_all()
                return
            del self._places[place.revision.id]
            self._changed.notify_all()
        engine.close()
        raise EngineClosed(place.revision.id)

    def _leave(self, place: _Place) -> None:
        doomed = []
        with self._changed:
            place.holders -= 1
            place.used = time.monotonic()
            if place.was_main and place in self._idle_places():
                doomed.append(self._take(place))
            self._changed.notify_all()
        _close(doomed)

    def _make_room(self, doomed: list[Engine]) -> bool:
        """Whether one more may be loaded, once what went to `doomed` is closed."""
        if len(self._places) < self._limit:
            return True
        idle = sorted(self._idle_places(), key=lambda place: place.used)
        doomed += [self._take(place) for place in idle[:1]]
        return bool(idle)

    def _idle_places(self) -> list[_Place]:
        return [
            place
            for key, place in self._places.items()
            if place.engine is not None and not place.holders and key != self._main
        ]

    def _take(self, place: _Place) -> Engine:
        """Out of the list: nobody finds it any more."""
        if self._places.get(place.revision.id) is place:
            del self._places[place.revision.id]
        return _engine(place)


def _engine(place: _Place) -> Engine:
    assert place.engine is not None
    return place.engine


def _close(engines: list[Engine]) -> None:
    """Outside the lock: it takes a moment."""
    for engine in engines:
        engine.close()
