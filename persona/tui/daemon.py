"""The daemon as this client sees it: questions, acts, answers as they come, and what happens meanwhile.

Every failure leaves as a Trouble. A client belongs to one event loop.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from persona.tui.clean import line
from persona.tui.errors import Away, Trouble, trouble_of

Json = Any

_QUIET = 120.0  # seconds without a byte; the daemon sends a beat far more often
_CONNECT = 5.0
_LONGEST = 32_000_000  # bytes of one event


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a daemon is, and what it wants to see."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One answer to ask for. `keep` False is incognito; else what was said is kept, cut short or not."""

    messages: Sequence[Mapping[str, Json]]
    tools: Sequence[Mapping[str, Json]] = ()
    model: str = "persona"
    conversation: str = ""
    keep: bool = True
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Some of an answer. `calls` are pieces of calls by their place, as the dialect has them."""

    text: str = ""
    thought: str = ""
    calls: Sequence[Mapping[str, Json]] = ()
    model: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The answer is whole. `interaction` is None when it was not kept; `rate` in tokens a second."""

    interaction: str | None
    revision: str | None
    finish: str
    tokens: int
    rate: float | None


class Daemon:
    """Whoever has it has it for good: it can `move`. Close it when done."""

    def __init__(self, address: Address, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.address = address
        self._transport = transport
        self._client = self._client_of(address)

    def _client_of(self, address: Address) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=address.url,
            headers={"Authorization": f"Bearer {address.token}"},
            timeout=httpx2.Timeout(_QUIET, connect=_CONNECT),
            trust_env=False,  # a proxy has no business between two processes of one machine
            transport=self._transport,
        )

    async def move(self, address: Address) -> None:
        """It is elsewhere from now on; what is under way with the one that was there breaks."""
        before, self._client, self.address = self._client, self._client_of(address), address
        await before.aclose()

    async def close(self) -> None:
        await self._client.aclose()

    async def look(self, question: str, **arguments: Json) -> Json:
        """The answer to one question; None among `arguments` are left out."""
        given = {name: str(value) for name, value in arguments.items() if value is not None}
        return await self._json("GET", f"/persona/{question}", params=given)

    async def act(self, name: str, **arguments: Json) -> Json:
        return await self._json("POST", f"/persona/{name}", json=arguments)

    async def judge(self, kind: str, **what: Json) -> Json:
        """Keep an act of feedback."""
        return await self._json("POST", "/persona/feedback", json={"kind": kind, **what})

    async def models(self) -> list[str]:
        found = await self._json("GET", "/v1/models")
        return [str(card["id"]) for card in found["data"]]

    async def answer(self, wanted: Wanted) -> AsyncGenerator[Piece | End, None]:
        """Pieces, then the end. Stopping to read stops the generation; the daemon keeps the part."""
        body: dict[str, Json] = {"model": wanted.model, "messages": list(wanted.messages), "stream": True}
        for name in ("temperature", "max_tokens"):
            if (value := getattr(wanted, name)) is not None:
                body[name] = value
        if wanted.tools:
            body["tools"] = list(wanted.tools)
        headers = {"X-Persona-Keep": "part" if wanted.keep else "no"}
        if wanted.conversation:
            headers["X-Persona-Conversation"] = wanted.conversation
        finish = ""
        async with self._events("POST", "/v1/chat/completions", json=body, headers=headers) as events:
            async for event in events:
                if event.data == "[DONE]":
                    return
                said = json.loads(event.data)
                if "error" in said:
                    raise Trouble(line(str(said["error"].get("message", ""))))
                choice = next(iter(said.get("choices") or ()), None)
                if choice is None:
                    continue
                finish = choice.get("finish_reason") or finish
                if "persona" in said:
                    yield _end(said, finish)
                    continue
                delta = choice["delta"]
                yield Piece(
                    text=delta.get("content") or "",
                    thought=delta.get("reasoning_content") or "",
                    calls=delta.get("tool_calls") or (),
                    model=str(said.get("model", "")),
                )
        raise Away(midway=True)

    async def happenings(self, after: int | None) -> AsyncGenerator[tuple[int, Mapping[str, Json]], None]:
        """Numbers and what happened, until the line breaks. Yields (0, {}) once the daemon listens."""
        arguments = {} if after is None else {"after": str(after)}
        async with self._events("GET", "/persona/events", params=arguments) as events:
            yield 0, {}
            async for event in events:
                said = json.loads(event.data)
                yield int(said["number"]), said
        raise Away(midway=True)

    @asynccontextmanager
    async def _events(self, method: str, path: str, **more: Any) -> AsyncIterator[AsyncIterator[Any]]:
        client = self._client
        try:
            async with client.sse(path, method=method, max_event_size=_LONGEST, **more) as source:
                if source.response.status_code != 200:
                    raise await _refused(source.response)
                yield aiter(source)
        except httpx2.HTTPError as error:
            raise Away(midway=not isinstance(error, httpx2.ConnectError)) from error
        except RuntimeError as error:
            if not client.is_closed:
                raise
            raise Away(midway=True) from error
        except ValueError as error:
            raise Trouble(f"the daemon said what this client cannot read: {line(str(error))}") from error

    async def _json(self, method: str, path: str, **more: Any) -> Json:
        client = self._client
        try:
            response = await client.request(method, path, **more)
            if response.status_code != 200:
                raise await _refused(response)
            return response.json()
        except httpx2.HTTPError as error:
            raise Away from error
        except RuntimeError as error:
            if not client.is_closed:
                raise
            raise Away from error
        except ValueError as error:
            raise Trouble(f"the daemon said what this client cannot read: {line(str(error))}") from error


async def _refused(response: httpx2.Response) -> Trouble:
    await response.aread()
    try:
        error = response.json()["error"]
        message, code = str(error.get("message", "")), str(error.get("code", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        message, code = "", ""
    return trouble_of(response.status_code, code, line(message, 400))


def _end(said: Mapping[str, Json], finish: str) -> End:
    timings = said.get("timings") or {}
    return End(
        interaction=said["persona"].get("interaction"),
        revision=said["persona"].get("revision"),
        finish=finish,
        tokens=int(timings.get("predicted_n") or 0),
        rate=timings.get("predicted_per_second"),
    )
