"""Whole lines from a pipe, in bounded time and memory, whatever the writer does with it."""

from __future__ import annotations

import os
import select
import time
from typing import IO

_CHUNK = 1 << 16
_LINE_LIMIT = 1 << 20  # bytes; a longer line is cut there


class LineReader:
    """Reads one pipe without ever blocking longer than it was asked to."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._descriptor = pipe.fileno()
        os.set_blocking(self._descriptor, False)
        self._begun = b""
        self._closed = False

    def read(self, seconds: float) -> list[bytes]:
        """The lines that are complete now, waiting up to `seconds` for something to read.

        At most one chunk is read, so a writer that never pauses cannot keep the caller here.
        """
        if self._closed:
            time.sleep(seconds)
            return []
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return []
        return self._take()

    def rest(self) -> list[bytes]:
        """Every line that the pipe still holds, the last one complete or not. The writer has ended."""
        lines: list[bytes] = []
        while not self._closed and select.select([self._descriptor], [], [], 0)[0]:
            lines += self._take()
        begun, self._begun = self._begun, b""
        return [*lines, begun] if begun else lines

    def _take(self) -> list[bytes]:
        chunk = os.read(self._descriptor, _CHUNK)
        self._closed = not chunk
        *lines, self._begun = (self._begun + chunk).splitlines(keepends=True) or [b""]
        if self._begun.endswith(b"\n") or len(self._begun) > _LINE_LIMIT:
            lines.append(self._begun)
            self._begun = b""
        return lines
