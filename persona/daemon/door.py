"""Which desk a token opens: one for each identity, opened when somebody comes to it first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from persona.daemon.desk import LocalDesk
from persona.daemon.tokens import Tokens
from persona.errors import PersonaError
from persona.serve.desk import Visitor

_LOOK_SECONDS = 0.1  # a promotion is seen within this time; a look reads one small file

_log = logging.getLogger(__name__)

OpenDesk = Callable[[str], LocalDesk]


class LocalDoor:
    """A Door. Thread-safe. `open_desk` opens the desk of an identity; all are closed by `close`."""

    def __init__(self, tokens: Tokens, open_desk: OpenDesk) -> None:
        self._tokens = tokens
        self._open_desk = open_desk
        self._opening = threading.Lock()
        self._desks: dict[str, LocalDesk] = {}
        self._amiss: dict[LocalDesk, str] = {}  # what its last look ended with
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="persona-watch", daemon=True)
        self._watcher.start()

    def admit(self, token: str) -> Visitor | None:
        client = self._tokens.find(token)
        if client is None:
            return None
        return Visitor(name=client.name, desk=self.desk(client.identity))

    def desk(self, identity: str) -> LocalDesk:
        """Opened the first time, which loads its champion. Raises what that raises."""
        desk = self._desks.get(identity)
        if desk is None:
            with self._opening:
                desk = self._desks.get(identity)
                if desk is None:
                    desk = self._desks[identity] = self._open_desk(identity)
        return desk

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Something that concerns every desk."""
        for desk in list(self._desks.values()):
            desk.board.tell(kind, data)

    def close(self, *, wait: float = 0.0) -> None:
        """Each desk gets up to `wait` seconds for the answers that run. Idempotent."""
        self._stop.set()
        self._watcher.join()
        with self._opening:
            desks, self._desks = list(self._desks.values()), {}
        for desk in desks:
            desk.close(wait=wait)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            for desk in list(self._desks.values()):
                self._look(desk)

    def _look(self, desk: LocalDesk) -> None:
        """Whatever one look ends with, the next one comes, and so do those of the other desks. The same again
        is not said again: a look is taken ten times a second.
        """
        try:
            desk.look()
        except Exception as error:  # noqa: BLE001  # without this thread no promotion is served any more
            if self._amiss.get(desk) == repr(error):
                return
            self._amiss[desk] = repr(error)
            expected = isinstance(error, PersonaError | OSError)
            _log.warning(
                "the champion of %s cannot be followed: %s", desk.identity, error, exc_info=not expected
            )
        else:
            self._amiss.pop(desk, None)
