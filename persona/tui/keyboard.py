"""Keys in the order in which they were typed.

A key that no binding with priority takes goes to what is focused, and from there through all that it stands
in, each with a queue of its own. The toolkit looks at the next key meanwhile: F7 would overtake an Esc on its
way, be lost with the window that the Esc closes, or open one that the Esc closes then. So a key is looked at
when the one before it is through.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

_PATIENCE = 1.0  # seconds for a key to get through: what works for longer holds up no other


class Keyboard:
    """`handle` is what the toolkit does with a key, or with something pasted."""

    def __init__(self, app: App[Any], handle: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[events.Event] = deque()
        self._on_its_way = 0  # the number of the key that is; 0 for none
        self._number = 0
        self._late: asyncio.TimerHandle | None = None

    async def take(self, event: events.Event) -> None:
        """Its turn comes."""
        self._waiting.append(event)
        if not self._on_its_way:
            await self._look()

    async def _look(self) -> None:
        while self._waiting and not self._on_its_way:
            event = self._waiting.popleft()
            focused = self._app.focused or self._app.screen
            await self._handle(event)
            if event.is_forwarded:
                self._number += 1
                self._on_its_way = self._number
                loop, done = asyncio.get_running_loop(), self._done
                self._late = loop.call_later(_PATIENCE, self._app.call_later, done, self._number)
                self._go_behind(self._number, list(focused.ancestors_with_self))

    def _go_behind(self, number: int, nodes: list[MessagePump]) -> None:
        """Through the queues that the key goes through, the application's last."""
        while len(nodes) > 1:
            node = nodes.pop(0)
            if node.call_later(self._go_behind, number, nodes):
                return
        self._app.call_later(self._done, number)

    async def _done(self, number: int) -> None:
        if number != self._on_its_way:
            return  # it took too long, and others were looked at
        if self._late is not None:
            self._late.cancel()
        self._on_its_way = 0
        await self._look()
