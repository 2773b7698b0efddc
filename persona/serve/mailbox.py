"""From a thread to the event loop, piece by piece, at the least that a piece can cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Generic, TypeVar

Piece = TypeVar("Piece")


class Mailbox(Generic[Piece]):
    """Any thread puts, one task of the loop takes, in order.

    asyncio's own queue and wait_for make a task and two rounds of the loop for every piece, while a model
    waits for the processor that they run on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pieces: deque[Piece] = deque()
        self._taker: asyncio.Future[bool] | None = None

    def put(self, piece: Piece) -> None:
        """From any thread. After the loop was closed nobody reads it."""
        self._pieces.append(piece)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake, True)

    async def take(self, patience: float | None = None) -> Piece | None:
        """The next piece; None when none came for `patience` seconds."""
        while not self._pieces:
            self._taker = taker = self._loop.create_future()
            timer = None if patience is None else self._loop.call_later(patience, self._wake, False)
            try:
                if not await taker:
                    return None
            finally:
                self._taker = None
                if timer is not None:
                    timer.cancel()
        return self._pieces.popleft()

    def _wake(self, there: bool) -> None:  # a callback of the loop
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(there)
