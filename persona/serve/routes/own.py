"""Persona's own routes: what a user does to an answer, questions and acts, and what happens meanwhile."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from persona.serve.desk import READS, Desk, Happening
from persona.serve.dialects import fields
from persona.serve.dialects.dialect import event
from persona.serve.dialects.fields import Fields, Name, Object
from persona.serve.refusals import NotThere, NotThisWay, NotUnderstood, TooMany
from persona.serve.routes.service import Service, read_object, visitor_of
from persona.serve.streams import EventStream, unless_left
from store.records import Feedback, FeedbackKind, ToolCall

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_POLL = 1.0  # seconds that one look for news may block a thread
_NEEDS = {
    FeedbackKind.CORRECTION: ("content",),
    FeedbackKind.PREFERENCE: ("content",),
    FeedbackKind.EDIT: ("content", "tool_calls"),
    FeedbackKind.PICK: ("over",),
}
_TEXT = Annotated[str, Field(max_length=1_000_000)]


class _Function(Fields):
    name: Name
    arguments: str | Object = ""


class _Call(Fields):
    id: str = ""
    function: _Function


class _Feedback(Fields):
    kind: Literal["up", "down", "edit", "pick", "correction", "preference"]
    interaction: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    last: bool = False
    conversation: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    reason: _TEXT | None = None
    content: _TEXT | None = None
    tool_calls: list[_Call] | None = None
    over: list[_TEXT] | None = None


class Own:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def feedback(self, request: Request) -> Response:
        visitor = visitor_of(request)
        act = _act(fields.shaped(_Feedback, await read_object(request)))
        kept = await self._service.call(visitor.desk.feedback, act, source=visitor.name)
        return _json(
            {
                "id": kept.id,
                "kind": str(kept.kind),
                "at": kept.at.isoformat(),
                "interaction": kept.interaction,
                "conversation": kept.conversation,
            }
        )

    async def ask(self, request: Request) -> Response:
        """A question by GET, its arguments in the query; anything by POST, its arguments in the body."""
        name = request.path_params["name"]
        if not _NAME.fullmatch(name):
            raise NotThere("question or act of that name")
        if request.method == "POST":
            arguments = await read_object(request)
        else:
            arguments = _query(request, name)
        ask = self._service.call(visitor_of(request).desk.ask, name, arguments)
        return _json(await unless_left(request.receive, ask) if request.method == "POST" else await ask)

    async def events(self, request: Request) -> Response:
        """What happens, from now on or behind the number that `after` or Last-Event-ID names."""
        desk = visitor_of(request).desk
        said = request.query_params.get("after") or request.headers.get("last-event-id")
        if said is not None and not re.fullmatch(r"[0-9]{1,15}", said):
            raise NotUnderstood("after", "a number of an event")
        if request.method == "HEAD":
            return Response(media_type=EventStream.media_type)
        if not self._service.listeners.take():
            limits = self._service.limits
            raise TooMany("listeners", limits.listeners, limits.retry_after)
        after = None if said is None else int(said)
        return EventStream(self._happenings(desk, after), on_end=self._service.listeners.give_back)

    async def _happenings(self, desk: Desk, after: int | None) -> AsyncIterator[bytes]:
        if after is None:
            known = await self._service.waiting.run(desk.happenings, after=0, wait=0)
            after = known[-1].number if known else 0
        yield b": listening\n\n"
        quiet = 0.0
        while True:
            news = await self._service.waiting.run(desk.happenings, after=after, wait=_POLL)
            for happening in news:
                after = happening.number
                yield f"id: {after}\n".encode() + event(_happening(happening), happening.kind)
                if happening.kind == "stopping":
                    return  # the daemon ends as soon as nobody listens
            quiet = 0.0 if news else quiet + _POLL
            if quiet >= self._service.limits.beat:
                quiet = 0.0
                yield b": nothing new\n\n"


def _act(given: _Feedback) -> Feedback:
    kind = FeedbackKind(given.kind)
    if kind is not FeedbackKind.PREFERENCE and (given.interaction is not None) == given.last:
        raise NotUnderstood("interaction", 'name the interaction, or say {"last": true} for the last one')
    needed = _NEEDS.get(kind, ())
    if needed and not any(getattr(given, name) for name in needed):
        raise NotUnderstood(needed[0], f"a feedback of kind {kind} needs {' or '.join(needed)}")
    return Feedback(
        id="",
        kind=kind,
        at=datetime.now(UTC),
        interaction=given.interaction,
        conversation=given.conversation,
        reason=given.reason or "",
        content=given.content or "",
        tool_calls=tuple(_called(call, n) for n, call in enumerate(given.tool_calls or ())),
        over=tuple(given.over or ()),
    )


def _called(call: _Call, place: int) -> ToolCall:
    where = f"tool_calls[{place}].function.arguments"
    return fields.call(call.function.name, call.function.arguments, call.id, where)


def _query(request: Request, name: str) -> dict[str, Any]:
    """The arguments of a question that only looks. What acts is refused: a link must not act."""
    allowed = READS.get(name)
    if allowed is None:
        raise NotThisWay(request.method, f"/persona/{name}", "POST")
    query = request.query_params
    for key in query:
        if key not in allowed:
            raise NotUnderstood(key, f"not an argument of {name} by GET; POST takes all of them")
    return dict(query.items())


def _happening(happening: Happening) -> dict[str, Any]:
    return {
        "number": happening.number,
        "at": happening.at.isoformat(),
        "kind": happening.kind,
        **happening.data,
    }


def _json(answer: Any) -> Response:
    return Response(to_json(answer, inf_nan_mode="null"), media_type="application/json")
