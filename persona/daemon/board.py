"""What happened lately, for clients that show it: numbered, bounded, and waited for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from persona.serve.desk import Happening

_KEPT = 256


class Board:
    """Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._happenings: deque[Happening] = deque(maxlen=_KEPT)
        self._number = 0

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        with self._changed:
            self._number += 1
            self._happenings.append(
                Happening(number=self._number, at=datetime.now(UTC), kind=kind, data=dict(data))
            )
            self._changed.notify_all()

    def after(self, number: int, *, wait: float) -> list[Happening]:
        """See Desk.happenings."""
        with self._changed:
            if number > self._number:
                number = 0  # it is of a daemon that is gone: this one began at 1
            self._changed.wait_for(lambda: self._number > number, wait)
            return [happening for happening in self._happenings if happening.number > number]
