"""Requests for models that are not persona's, passed on to another server byte for byte, and overheard.

The client's own token stays here. What cannot be understood of a request or an answer is passed on all the
same, and only not kept. A turn is durable before the client is given the answer's end.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from persona.engine.protocol import Completion
from persona.errors import PersonaError
from persona.serve.answering import Call
from persona.serve.beyond import is_near
from persona.serve.desk import Turn, Upstream
from persona.serve.heard import Heard
from persona.serve.refusals import Refused
from persona.serve.routes.service import Service, visitor_of
from persona.serve.streams import unless_left

_log = logging.getLogger(__name__)

_ONWARD = ("content-type", "accept", "user-agent", "anthropic-version", "anthropic-beta", "openai-beta")
_BACK = ("content-type", "content-encoding", "retry-after", "x-request-id", "request-id")
# An answer may take minutes to begin; a server that does not take the connection is not there.
_TIMES = httpx2.Timeout(connect=5.0, read=600.0, write=30.0, pool=5.0)


class Unreachable(Refused):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"the upstream {url} does not answer: {why}",
            status=502,
            code="upstream_unreachable",
            retry_after=2,
        )


class Passing:
    """Belongs to one event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clients: dict[bool, httpx2.AsyncClient] = {}

    async def answer(self, request: Request, upstream: Upstream, call: Call | None) -> Response:
        """The upstream's own response. `call` is the request as persona reads it, None if it does not."""
        stack = AsyncExitStack()
        stack.enter_context(visitor_of(request).desk.passing())
        try:
            response = await unless_left(
                request.receive, self._opened(stack, request, await request.body(), upstream)
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            await stack.aclose()
            raise Unreachable(upstream.url, str(error) or type(error).__name__) from None
        except BaseException:
            await stack.aclose()
            raise
        return _Passed(response, stack, self._kept(response, call))

    async def _opened(
        self, stack: AsyncExitStack, request: Request, body: bytes, upstream: Upstream
    ) -> httpx2.Response:
        headers = {name: request.headers[name] for name in _ONWARD if name in request.headers}
        headers["accept-encoding"] = "identity"  # what passes is overheard
        if upstream.key:
            headers["authorization"] = f"Bearer {upstream.key}"
            if "anthropic-version" in headers:
                headers["x-api-key"] = upstream.key
        url = upstream.url + request.url.path.removeprefix("/v1")
        stream = self._client(url).stream("POST", url, content=body, headers=headers)
        return await stack.enter_async_context(stream)

    def _client(self, url: str) -> httpx2.AsyncClient:
        near = is_near(url)
        if near not in self._clients:
            self._clients[near] = httpx2.AsyncClient(
                timeout=_TIMES,
                trust_env=not near,
                limits=httpx2.Limits(max_connections=64, max_keepalive_connections=0),
            )
        return self._clients[near]

    async def _kept(self, response: httpx2.Response, call: Call | None) -> AsyncIterator[bytes]:
        """The response's bytes as they come; its end, which a client may not read beyond, once it is kept."""
        heard, held = Heard(), b""
        keeps = call is not None and call.keep and response.status_code == 200
        async for data in response.aiter_raw():
            heard.take(data)
            if keeps and heard.ends:
                held += data
            else:
                yield data
        if call is not None and keeps:
            await self._keep(heard, call)
        if held:
            yield held

    async def _keep(self, heard: Heard, call: Call) -> None:
        message = heard.message()
        if message is None:
            _log.warning(
                "an answer of the upstream to %s could not be read, and is not kept", call.visitor.name
            )
            self._service.metrics.not_kept.inc()
            return
        turn = Turn(
            prompt=call.asked.prompt,
            completion=Completion(
                text=message.content,
                message=message,
                finish_reason="tool_calls" if message.tool_calls else "stop",
                prompt_tokens=0,
                completion_tokens=0,
                seconds=0.0,
            ),
            source=call.visitor.name,
            revision=None,
            conversation=call.conversation,
        )
        try:
            await self._service.call(call.visitor.desk.keep, turn)
        except PersonaError as error:  # the answer stands
            _log.error("an answer of the upstream to %s was %s", call.visitor.name, error)
            self._service.metrics.not_kept.inc()


class _Passed(Response):
    """A response whose body is still on its way; whatever happens, the upstream is let go of."""

    def __init__(self, upstream: httpx2.Response, stack: AsyncExitStack, body: AsyncIterator[bytes]) -> None:
        self.status_code = upstream.status_code
        self.background = None
        self._stack = stack
        self._body = body
        headers: Mapping[str, Any] = upstream.headers
        self.init_headers({name: headers[name] for name in _BACK if name in headers})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async with self._stack:
            try:
                await unless_left(receive, self._send(send))
            except httpx2.HTTPError as error:  # the client sees what the upstream did: half an answer
                _log.warning("the upstream broke off: %s", str(error) or type(error).__name__)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for data in self._body:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
