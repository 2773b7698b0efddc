"""Blocking calls into desks, off the event loop, a bounded number at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

Result = TypeVar("Result")


class Calls:
    """Made on first use, since a limiter belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, call: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """What the call gives. Who is cancelled does not wait for it; it ends by itself."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._limit)
        return await anyio.to_thread.run_sync(
            partial(call, *arguments, **named), abandon_on_cancel=True, limiter=self._limiter
        )
