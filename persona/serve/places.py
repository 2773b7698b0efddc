"""A bounded number of places, taken at once or not at all."""

from __future__ import annotations

import threading


class Places:
    """Thread-safe."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there was one."""
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    def give_back(self) -> None:
        with self._lock:
            self._free += 1
