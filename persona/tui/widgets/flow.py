"""An answer that is being written: drawn as it comes, at a price that the model hardly feels."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress

from persona.tui.clean import Cleaner
from persona.tui.widgets.parts import Parts

_SHARE = 0.02 * (os.cpu_count() or 1)  # of one processor's time, for drawing an answer that is being written
_SHORTEST, _LONGEST = 0.03, 1.5  # seconds between two drawings


class Flow:
    """A text that arrives in pieces, never redrawn from its beginning.

    Drawing takes processors from the model that writes, so it gets a share of the time and no more: what a
    drawing cost is how long the next one waits. On a machine with many of them that is hardly ever.
    """

    def __init__(self, text: Parts) -> None:
        self._text = text
        self._cleaner = Cleaner()
        self._pieces: list[str] = []
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._draw())

    def write(self, piece: str) -> None:
        """It shows soon."""
        self._pieces.append(self._cleaner.feed(piece))
        self._news.set()

    async def end(self) -> None:
        """Show what is left."""
        self._pieces.append(self._cleaner.finish())
        self._over.set()
        self._news.set()
        await self._task

    async def _draw(self) -> None:
        while not self._over.is_set():
            await self._news.wait()
            began = time.thread_time()
            await self._show()
            await self._drawn()
            cost = time.thread_time() - began
            await _within(min(_LONGEST, max(_SHORTEST, cost / _SHARE)), self._over)
        await self._show()

    async def _show(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        self._news.clear()
        if text and self._text.is_attached:  # else another way through the conversation was taken
            await self._text.append(text)

    async def _drawn(self) -> None:
        """Until it is on the screen: laying out and painting is most of what it costs."""
        shown = asyncio.Event()
        if self._text.call_after_refresh(shown.set):
            await _within(_LONGEST, shown)


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
