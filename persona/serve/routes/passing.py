"""Requests for models that are not persona's, passed on to another server byte for byte, and overheard.

The client's own token stays here. What cannot be understood of a request or an answer is passed on all the
same; it is not kept, which is counted and said. A turn is durable before the client has the answer's end.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from persona.engine.protocol import Completion
from persona.errors import PersonaError
from persona.serve.answering import Call
from persona.serve.beyond import is_near
from persona.serve.desk import Turn, Upstream, Visitor
from persona.serve.heard import Heard
from persona.serve.refusals import Refused
from persona.serve.routes.service import Service, visitor_of
from persona.serve.streams import unless_left

_log = logging.getLogger(__name__)

_ONWARD = ("content-type", "accept", "user-agent", "anthropic-version", "anthropic-beta", "openai-beta")
_BACK = ("content-type", "content-encoding", "retry-after", "x-request-id", "request-id")
# An answer may take minutes to begin; a server that does not take the connection is not there.
_TIMES = httpx2.Timeout(connect=5.0, read=600.0, write=30.0, pool=5.0)
_MOST_SAID = 256  # reasons that are remembered as said; more are only counted


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
        self._said: set[tuple[str, str]] = set()

    async def answer(self, request: Request, upstream: Upstream, read: Call | Refused | None) -> Response:
        """The upstream's own response, in a place among the answers under way; TooMany. `read` is the request
        as persona reads it, or why it cannot; None for what nobody would keep.
        """
        stack = AsyncExitStack()
        stack.callback(self._service.begin_answer())
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
        return _Passed(response, stack, self._overheard(response, visitor_of(request), read))

    async def _opened(
        self, stack: AsyncExitStack, request: Request, body: bytes, upstream: Upstream
    ) -> httpx2.Response:
        headers = {name: request.headers[name] for name in _ONWARD if name in request.headers}
        headers["accept-encoding"] = "identity"  # what passes is overheard
        if upstream.key:
            headers["authorization"] = f"Bearer {upstream.key}"
            if "anthropic-version" in headers:
                headers["x-api-key"] = upstream.key
        query = f"?{request.url.query}" if request.url.query else ""
        url = upstream.url + request.url.path.removeprefix("/v1") + query
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

    async def _overheard(
        self, response: httpx2.Response, visitor: Visitor, read: Call | Refused | None
    ) -> AsyncIterator[bytes]:
        """The response's bytes as they come; its end, which a client may not read beyond, once it is kept."""
        answered = response.status_code == 200
        if answered and isinstance(read, Refused):
            await self._miss(visitor, f"a request could not be read: {read.message}", like=_place(read))
        call = read if answered and isinstance(read, Call) and read.keep else None
        heard, held = Heard(), b""
        async for data in response.aiter_raw():
            if call is not None:
                heard.take(data)
            if heard.ends:
                held += data
            else:
                yield data
        if call is not None:
            await self._keep(heard, call)
        if held:
            yield held

    async def _miss(self, visitor: Visitor, why: str, *, like: str) -> None:
        """Count a turn that could not be read and is not kept. The log says it once a client and what it is
        like: a conversation with one image in it has the image in every request that follows."""
        self._service.metrics.not_read.inc()
        await self._service.call(visitor.desk.miss, f"{visitor.name}: {why}")
        reason = (visitor.name, like)
        if reason in self._said or len(self._said) >= _MOST_SAID:
            return
        self._said.add(reason)
        _log.warning("what %s asks another model is not kept: %s", visitor.name, why)

    async def _keep(self, heard: Heard, call: Call) -> None:
        message = heard.message()
        if message is None:
            await self._miss(call.visitor, "an answer of the upstream could not be read", like="answer")
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


def _place(refused: Refused) -> str:
    """Where in a request the reason lies, whichever message it is."""
    return f"{refused.code} {re.sub(r'[0-9]+', '', refused.field or '')}"


class _Passed(Response):
    """A response whose body is still on its way; whatever happens, the upstream is let go of. A client that
    leaves in the middle is no error."""

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
                with suppress(ClientDisconnect):
                    await unless_left(receive, self._send(send))
            except httpx2.HTTPError as error:  # the client sees what the upstream did: half an answer
                _log.warning("the upstream broke off: %s", str(error) or type(error).__name__)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for data in self._body:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
