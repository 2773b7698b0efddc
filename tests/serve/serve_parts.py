"""A server on a loopback socket, with a scripted engine behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from persona.engine.fake import Script, ScriptedEngine
from persona.engine.protocol import Prompt, Sampling
from persona.serve.app import create_app
from persona.serve.desk import Visitor
from persona.serve.fake_desk import FakeDesk, FakeDoor
from persona.serve.limits import Access, Limits
from persona.serve.listening import listen, make_server

TOKEN = "t0ken-of-the-tests"
REVISION = "b2-" + "7" * 16
QUICK = Limits(
    body_bytes=200_000,
    header_seconds=1.0,
    body_seconds=1.0,
    write_seconds=1.0,
    answers=4,
    listeners=2,
    beat=0.2,
)

# Reading the machine's certificates takes longer than a whole test, and nothing here is encrypted.
PLAIN: dict[str, Any] = {"verify": False, "trust_env": False}


def call_text(name: str, **arguments: Any) -> str:
    """What a model writes when it calls a tool."""
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def tool(name: str, **properties: Any) -> dict[str, Any]:
    """An OpenAI tool object."""
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> float:
    """The seconds that it took; an AssertionError when it took longer."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.01)
    return time.monotonic() - began


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that runs, and what stands behind it. `opened` is closed with it."""

    port: int
    engine: ScriptedEngine
    desk: FakeDesk
    door: FakeDoor
    opened: contextlib.ExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def prompt(self) -> Prompt:
        """What the engine was asked last."""
        return self.engine.asked[-1][0]

    @property
    def sampling(self) -> Sampling:
        return self.engine.asked[-1][1]

    def client(self, **headers: str) -> httpx2.Client:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        return httpx2.Client(base_url=self.url, headers={**bearer, **headers}, timeout=20, **PLAIN)

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        with self.client(**headers) as client:
            return client.post(path, json=body)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        with self.client(**headers) as client:
            return client.get(path)

    def events(self, path: str, body: Any, **headers: str) -> list[tuple[str | None, Any]]:
        """Every event of a streamed answer, as (name, data); data that is no JSON stays text."""
        answer = self.post(path, {**body, "stream": True}, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return parse_events(answer.text)


def parse_events(text: str) -> list[tuple[str | None, Any]]:
    events = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        if "data" in fields:
            data = fields["data"]
            events.append(
                (fields.get("event"), json.loads(data) if data[0] in "{[" and data[1] != "D" else data)
            )
    return events


class _Stage:
    """A server that goes on running between tests; `app` is what it answers with now."""

    def __init__(self, limits: Limits) -> None:
        self.app: Any = None
        self._bound = listen("127.0.0.1", 0)
        self.port: int = self._bound.getsockname()[1]
        self._server = make_server(self, limits=limits, drain_seconds=1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._bound.close()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._bound]))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


_free: dict[Limits, list[_Stage]] = {}


def close_stages() -> None:
    """After the last test."""
    while _free:
        for stage in _free.popitem()[1]:
            stage.close()


@contextmanager
def running(
    script: Script,
    *,
    seconds_a_word: float = 0.0,
    limits: Limits = QUICK,
    access: Access | None = None,
    answers: Mapping[str, Any] | None = None,
    others: Mapping[str, ScriptedEngine] | None = None,
    controls: tuple[str, ...] = (),
) -> Iterator[Served]:
    """An application of one's own until the end of the block. `others` are engines beside persona:r7."""
    engine = ScriptedEngine(script, revision=REVISION, seconds_a_word=seconds_a_word)
    desk = FakeDesk({"persona:r7": engine, **(others or {})}, answers=answers, controls=controls)
    door = FakeDoor({TOKEN: Visitor(name="tests", desk=desk)})
    stages = _free.setdefault(limits, [])
    stage = stages.pop() if stages else _Stage(limits)
    stage.app = create_app(door, limits=limits, access=access)
    try:
        with contextlib.ExitStack() as opened:
            yield Served(port=stage.port, engine=engine, desk=desk, door=door, opened=opened)
    finally:
        door.opens.set()
        engine.close()
        stages.append(stage)


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """What an application answered. Of a stream that does not end it is the beginning."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Enough(Exception):
    pass


async def exchange(
    app: Any, method: str, path: str, headers: list[tuple[str, str]], body: bytes, *, port: int
) -> Exchanged:
    """One request without a socket, with exactly these headers."""
    sent: list[Any] = []
    given = [{"type": "http.request", "body": body, "more_body": False}]
    endless = path == "/persona/events"

    async def receive() -> Any:
        if given:
            return given.pop()
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if not message.get("more_body", True) or (endless and len(sent) > 1):
            raise _Enough

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", port),
    }
    with contextlib.suppress(_Enough):
        await app(scope, receive, send)
    start, *rest = sent
    return Exchanged(
        status=start["status"],
        headers={name.decode(): value.decode() for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in rest),
    )
