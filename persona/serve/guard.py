"""The checks in front of every route: whatever path or method, found or not, a request passes here first.

Host, Origin, token and the body's type are looked at before anything of the body is read. Without a token
only a browser is answered that asks whether an allowed page may ask: it can show none.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from persona.errors import PersonaError
from persona.serve.calls import Calls
from persona.serve.desk import Door, Visitor
from persona.serve.limits import Access, Limits
from persona.serve.metrics import Metrics
from persona.serve.pages import is_preflight, let_read, page_of, preflight_response
from persona.serve.refusals import (
    NotAdmitted,
    NotAllowed,
    NotJson,
    Refused,
    TooLarge,
    TooSlow,
    refusal_of,
)
from persona.serve.refused import refused_response

_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?", re.IGNORECASE)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LOG = logging.getLogger(__name__)


class Guard:
    """Middleware. The visitor that a token lets in stands in the request's state for the routes."""

    def __init__(
        self, app: ASGIApp, *, door: Door, calls: Calls, limits: Limits, access: Access, metrics: Metrics
    ) -> None:
        self._app = app
        self._door = door
        self._calls = calls
        self._limits = limits
        self._access = access
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        page = page_of(headers, self._access.origins)
        send = self._hardened(send, scope)
        try:
            self._check_host(scope, headers)
            self._check_origin(headers)
            if page is not None:
                send = _read_by(page, send)
                if is_preflight(scope, headers):
                    await preflight_response(headers)(scope, receive, send)
                    return
            visitor = await self._admit(headers)
            self._check_body(scope, headers)
        except Refused as refused:
            self._metrics.rejected.labels(code=refused.code).inc()
            await refused_response(scope["path"], refused)(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        await self._app(scope, self._bounded(receive), send)

    def _check_host(self, scope: Scope, headers: Headers) -> None:
        given = headers.getlist("host")
        host = given[0] if len(given) == 1 else None
        if host is None:
            raise NotAllowed("Host", ", ".join(given) or None)
        loopback = _LOOPBACK.fullmatch(host)
        bound = (scope.get("server") or ("", None))[1]
        if loopback and int(loopback[1] or 80) == bound:
            return
        if host.lower() not in self._access.hosts:
            raise NotAllowed("Host", host)

    def _check_origin(self, headers: Headers) -> None:
        for origin in headers.getlist("origin"):
            if origin not in self._access.origins:
                raise NotAllowed("Origin", origin)

    async def _admit(self, headers: Headers) -> Visitor:
        """Whoever one of the tokens in the headers lets in: some clients send theirs in both ways."""
        for token in _tokens(headers):
            try:
                visitor = await asyncio.wait_for(
                    self._calls.run(self._door.admit, token), self._limits.loading_seconds
                )
            except TimeoutError:
                raise Refused(
                    "persona is loading the model: try again soon",
                    status=503,
                    code="loading",
                    retry_after=self._limits.retry_after,
                ) from None
            except PersonaError as error:
                _LOG.warning("a desk does not open: %s", error)
                raise refusal_of(error) from None
            if visitor is not None:
                return visitor
        raise NotAdmitted

    def _check_body(self, scope: Scope, headers: Headers) -> None:
        length = headers.get("content-length", "")
        has_body = length not in ("", "0") or "transfer-encoding" in headers
        if scope["method"] in _WITH_BODY or has_body:
            media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type != "application/json" or len(headers.getlist("content-type")) > 1:
                raise NotJson(headers.get("content-type", ""))
        if length.isdecimal() and int(length) > self._limits.body_bytes:
            raise TooLarge(self._limits.body_bytes)

    def _bounded(self, receive: Receive) -> Receive:
        """`receive`, with a limit to how much and how long; the routes turn what it raises into an answer."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.body_seconds
        left = self._limits.body_bytes
        whole = False

        async def bounded() -> Message:
            nonlocal left, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise TooSlow(self._limits.body_seconds) from None
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge(self._limits.body_bytes)
            whole = not message.get("more_body", False)
            return message

        return bounded

    def _hardened(self, send: Send, scope: Scope) -> Send:
        async def hardened(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cache-Control"] = "no-store"
                self._metrics.requests.labels(
                    route=_route(scope), method=_method(scope), status=str(message["status"])
                ).inc()
            await send(message)

        return hardened


def _read_by(page: str, send: Send) -> Send:
    async def read_by(message: Any) -> None:
        if message["type"] == "http.response.start":
            let_read(MutableHeaders(raw=message.setdefault("headers", [])), page)
        await send(message)

    return read_by


def _tokens(headers: Headers) -> list[str]:
    """What could be a token, in the forms that clients use."""
    found = [value.strip() for value in headers.getlist("x-api-key")]
    for value in headers.getlist("authorization"):
        scheme, _, rest = value.strip().partition(" ")
        found.append(rest.strip() if scheme.lower() in ("bearer", "token") else value.strip())
    return [token for token in found[:4] if token]


def _route(scope: Scope) -> str:
    """The route's pattern, so that no path makes a new counter."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "OPTIONS", *_WITH_BODY} else "other"
