"""The routes that answer, whatever their dialect."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from persona.serve.answering import Answering, Call
from persona.serve.asked import Asked, Ended, Given, Opened
from persona.serve.desk import Upstream
from persona.serve.dialects.dialect import Dialect, Writer
from persona.serve.dialects.messages import Messages
from persona.serve.refusals import NotSupported, NotUnderstood, Refused
from persona.serve.routes.passing import Passing
from persona.serve.routes.service import Service, read_object, visitor_of
from persona.serve.streams import EventStream, unless_left

# Where clients say which conversation a request belongs to, to persona or for ends of their own. A
# sub-agent's is one of its own.
_CONVERSATION = "x-persona-conversation"
_SESSION, _WITHIN = "x-claude-code-session-id", "x-claude-code-agent-id"
_SESSIONS = (_SESSION, "session-id", "session_id")
_NAME = re.compile(r"[!-~]{1,200}")
_PART = "part"
_NO, _YES = frozenset({"no", "0", "false"}), frozenset({"", "yes", "1", "true"})


class Answers:
    """One dialect's route."""

    def __init__(self, service: Service, dialect: Dialect) -> None:
        self._service = service
        self._dialect = dialect
        self._passing = Passing(service)

    async def answer(self, request: Request) -> Response:
        document = await read_object(request)
        upstream = _upstream(request, document)
        if upstream is not None:
            return await self._pass_on(request, document, upstream)
        asked, remembered = self._dialect.read(document, self._service.limits)
        call = self._call(request, asked)
        answering = self._start(call)
        try:
            opened = await unless_left(request.receive, answering.open())
            writer = self._dialect.writer(opened, remembered)
            if asked.stream:
                events = self._events(answering, writer)
                return EventStream(events, on_end=answering.leave, headers=_headers(opened))
            given, ended = await unless_left(request.receive, self._gathered(answering))
        except BaseException:
            answering.leave()
            raise
        headers = _headers(opened, ended)
        return Response(
            to_json(writer.whole(given, ended), inf_nan_mode="null"),
            media_type="application/json",
            headers=headers,
        )

    def _call(self, request: Request, asked: Asked) -> Call:
        keep = _keeps(request)
        return Call(
            visitor=visitor_of(request),
            asked=asked,
            conversation=_conversation(request),
            keep=keep != "no",
            keep_part=keep == "part",
            call_prefix=self._dialect.call_prefix,
        )

    async def _pass_on(self, request: Request, document: Mapping[str, Any], upstream: Upstream) -> Response:
        """To another server, which may take what persona does not: then it is passed on, and missed."""
        try:
            call = self._call(request, self._dialect.read(document, self._service.limits)[0])
        except Refused as refused:
            return await self._passing.answer(request, upstream, None if _wants_none(request) else refused)
        return await self._passing.answer(request, upstream, call)

    def _start(self, call: Call) -> Answering:
        return Answering(call, self._service.metrics, self._service.begin_answer())

    async def _gathered(self, answering: Answering) -> tuple[Given, Ended]:
        given = Given()
        async for step in answering.steps(self._service.limits.beat):
            if isinstance(step, Ended):
                return given, step
            if step is not None:
                given.add(step)
        raise AssertionError("an answer ends with its end")

    async def _events(self, answering: Answering, writer: Writer) -> AsyncIterator[bytes]:
        yield b"".join(writer.begin())
        try:
            async for step in answering.steps(self._service.limits.beat):
                if step is None:
                    yield writer.beat()
                elif isinstance(step, Ended):
                    yield b"".join(writer.end(step))
                elif events := writer.piece(step):
                    yield b"".join(events)
        except Refused as refused:
            yield b"".join(writer.broken(refused))


class Counts:
    """How many tokens a request's prompt is, without an answer."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._dialect = Messages()
        self._passing = Passing(service)

    async def count(self, request: Request) -> Response:
        document = await read_object(request)
        upstream = _upstream(request, document)
        if upstream is not None:
            return await self._passing.answer(request, upstream, None)
        model, prompt = self._dialect.to_count(document, self._service.limits)
        desk = visitor_of(request).desk

        def counted() -> int:
            with desk.lease(model) as lease:
                return lease.engine.count(prompt)

        tokens = await unless_left(request.receive, self._service.call(counted))
        return Response(to_json({"input_tokens": tokens}), media_type="application/json")


class Elsewhere:
    """What no model of persona's does, and another server may: passed on, and nothing of it is kept."""

    def __init__(self, service: Service, what: str) -> None:
        self._what = what
        self._passing = Passing(service)

    async def answer(self, request: Request) -> Response:
        document = await read_object(request)
        if not isinstance(document.get("model"), str):
            raise NotUnderstood("model", "name a model")
        upstream = _upstream(request, document)
        if upstream is None:
            raise NotSupported(
                "model", f"{self._what}: name a model of another server, which [upstream] sets"
            )
        return await self._passing.answer(request, upstream, None)


def _upstream(request: Request, document: Mapping[str, Any]) -> Upstream | None:
    model = document.get("model")
    return visitor_of(request).desk.upstream(model) if isinstance(model, str) else None


def _conversation(request: Request) -> str | None:
    """NotUnderstood for a name that persona was told and that is none; a header of others' need not fit."""
    name = request.headers.get(_CONVERSATION)
    if name:
        if not _NAME.fullmatch(name):
            raise NotUnderstood(_CONVERSATION, "1 to 200 visible ASCII characters name a conversation")
        return name
    for header in _SESSIONS:
        name = request.headers.get(header, "")
        within = request.headers.get(_WITHIN) if name and header == _SESSION else None
        name = f"{name}/{within}" if within else name
        if _NAME.fullmatch(name):
            return name
    return None


def _keeps(request: Request) -> str:
    """One of "yes", "no" and "part": also what was said when the client leaves in the middle."""
    said = request.headers.get("x-persona-keep", "").strip().lower()
    if said in _YES:
        return "yes"
    if said == _PART:
        return _PART
    if said not in _NO:  # a wish not to be remembered must not be lost to a spelling mistake
        raise NotUnderstood("x-persona-keep", "say yes, no or part")
    return "no"


def _wants_none(request: Request) -> bool:
    return request.headers.get("x-persona-keep", "").strip().lower() in _NO


def _headers(opened: Opened, ended: Ended | None = None) -> dict[str, str]:
    headers: dict[str, Any] = {"X-Persona-Revision": opened.revision}
    if ended is not None:
        headers["X-Persona-Interaction"] = ended.interaction
    return {name: value for name, value in headers.items() if value is not None}
