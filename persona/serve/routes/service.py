"""What all routes share for one application, and how they read a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request

from persona.serve.bodies import parse_object
from persona.serve.calls import Calls
from persona.serve.desk import Visitor
from persona.serve.limits import Limits
from persona.serve.metrics import Metrics
from persona.serve.places import Places
from persona.serve.refusals import TooMany

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """`answers` and `listeners` are places that requests take; `calls` run what blocks, `waiting` what only
    waits for news.
    """

    limits: Limits
    metrics: Metrics
    calls: Calls
    waiting: Calls
    answers: Places
    listeners: Places

    @classmethod
    def within(cls, limits: Limits) -> Service:
        return cls(
            limits=limits,
            metrics=Metrics(),
            calls=Calls(limits.desk_calls),
            waiting=Calls(limits.listeners),
            answers=Places(limits.answers),
            listeners=Places(limits.listeners),
        )

    def begin_answer(self) -> Callable[[], None]:
        """Takes a place among the answers under way; whoever took it calls what comes back once, at its end.
        TooMany."""
        if not self.answers.take():
            raise TooMany("answers", self.answers.count, self.limits.retry_after)
        self.metrics.running.inc()

        def ended() -> None:
            self.metrics.running.dec()
            self.answers.give_back()

        return ended

    async def call(self, function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        return await self.calls.run(function, *arguments, **named)


def visitor_of(request: Request) -> Visitor:
    """Whom the guard let in."""
    visitor: Visitor = request.scope["state"]["visitor"]
    return visitor


async def read_object(request: Request) -> dict[str, Any]:
    """The body's object. Refused when it is too large, too slow or not one."""
    return parse_object(await request.body())
