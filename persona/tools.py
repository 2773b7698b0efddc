"""Tools of MCP servers that the user named: started with a chat, offered with every question.

Who may call what is the chat's business; here nothing is called that was not asked for by name. What a server
says is foreign: it is cleaned where it is shown, and reaches the model as a tool's message.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

from persona.visible import visible_line

Json = Any

_START = 30.0  # seconds for a server to say what it has: some fetch themselves first
_END = 5.0
_CALL = 300.0
_LONGEST = 20_000  # characters of a result that are sent back
NOT_ALLOWED = "error: the user did not allow this call"  # what a model is told then
ROUNDS = 16  # of calls without a word from the user: a small model may go on for ever


@dataclass(eq=False)
class Server:
    """One server: `place` is a command, or an address.

    Its connection lives in a task of its own, since it has to end where it began.
    """

    name: str
    place: str
    trouble: str = ""  # why it cannot be asked
    tools: list[Any] = field(default_factory=list)
    _client: Any = None
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Until it is there, or `trouble` says why not."""
        self._task = asyncio.create_task(self._live())
        with suppress(TimeoutError):
            async with asyncio.timeout(_START):
                await self._ready.wait()
                return
        self.trouble = f"it said nothing within {_START:.0f} seconds"
        await self.end()

    async def end(self) -> None:
        self._over.set()
        if self._task is None:
            return
        if not self._ready.is_set():
            self._task.cancel()
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(self._task, _END)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> str:
        """What it said; what goes wrong is told too, as "error: …": the model has to know."""
        if self._client is None:
            return f"error: {self.name} cannot be asked: {self.trouble or 'it has ended'}"
        try:
            result = await self._client.call_tool(tool, dict(arguments), read_timeout_seconds=_CALL)
        except Exception as error:  # noqa: BLE001  # whatever it is, the conversation goes on
            return f"error: {_why(error)}"
        text = "\n".join(_text(part) for part in result.content)
        if not text and result.structured_content is not None:
            text = json.dumps(result.structured_content, ensure_ascii=False)
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}\n({len(text) - _LONGEST} more characters were left out)"
        return f"error: {text}" if result.is_error else text

    async def _live(self) -> None:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
            log = cast("TextIO", file)
            try:
                await self._serve(log)
            except Exception as error:  # noqa: BLE001  # whatever a server does, the chat goes on
                self.trouble = self.trouble or _last_line(log) or _why(error)
            finally:
                self._client = None
                self._ready.set()

    async def _serve(self, log: TextIO) -> None:
        await asyncio.to_thread(__import__, "mcp")  # takes a second, which would hold up the screen
        from mcp import Client, StdioServerParameters, stdio_client

        server: Any = self.place
        if not self.place.startswith(("http://", "https://")):
            command, *arguments = shlex.split(self.place)
            # Its own log stays off the screen.
            server = stdio_client(StdioServerParameters(command=command, args=arguments), errlog=log)
        async with Client(server) as client:
            cursor = None
            while True:
                found = await client.list_tools(cursor=cursor)
                self.tools += found.tools
                if not (cursor := found.next_cursor):
                    break
            self._client = client
            self._ready.set()
            await self._over.wait()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """`name` is what the model calls it, `own` what its server does."""

    name: str
    server: Server
    own: str
    says: str
    parameters: Json

    def to_json(self) -> dict[str, Json]:
        """As the chat dialect has it."""
        function = {"name": self.name, "description": self.says, "parameters": self.parameters}
        return {"type": "function", "function": function}


class Tools:
    """`servers` are commands or addresses, by name. Close it when done.

    `allowed` are the tools that the user need not be asked about again while this chat is open.
    """

    def __init__(self, servers: Mapping[str, str]) -> None:
        self.servers = [Server(name=name, place=place) for name, place in servers.items()]
        self.allowed: set[str] = set()
        self._known: dict[str, Tool] = {}
        self._started = asyncio.Event()
        if not servers:
            self._started.set()

    @property
    def ready(self) -> bool:
        """Every server is there, or has failed."""
        return self._started.is_set()

    async def start(self) -> list[str]:
        """All servers at once. What could not be reached, a line each."""
        await asyncio.gather(*(server.start() for server in self.servers))
        for server in self.servers:
            for tool in server.tools:
                name = tool.name if tool.name not in self._known else f"{server.name}_{tool.name}"
                self._known.setdefault(name, _tool(name, server, tool))
        self._started.set()
        return [f"tools of {server.name}: {server.trouble}" for server in self.servers if server.trouble]

    async def close(self) -> None:
        await asyncio.gather(*(server.end() for server in self.servers))

    async def started(self) -> None:
        """Until they are ready."""
        await self._started.wait()

    def known(self) -> Sequence[Tool]:
        return list(self._known.values())

    def named(self, name: str) -> Tool | None:
        return self._known.get(name)

    def offered(self) -> list[dict[str, Json]]:
        """What goes with a question."""
        return [tool.to_json() for tool in self._known.values()]

    async def call(self, tool: Tool, arguments: Mapping[str, Json]) -> str:
        return await tool.server.call(tool.own, arguments)


def no_such_tool(name: str) -> str:
    """What a model is told that calls one."""
    return f"error: there is no tool {name}"


def arguments_of(text: str) -> Mapping[str, Json] | None:
    """Of a call; None when they are not what JSON calls an object."""
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        return None
    return arguments if isinstance(arguments, dict) else None


def _tool(name: str, server: Server, tool: Any) -> Tool:
    says = tool.description or ""
    return Tool(name=name, server=server, own=tool.name, says=says, parameters=tool.input_schema)


def _text(part: Any) -> str:
    text = getattr(part, "text", None) or getattr(getattr(part, "resource", None), "text", None)
    return str(text) if text is not None else f"({part.type}, which cannot be shown here)"


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return visible_line(str(error), 300) or type(error).__name__


def _last_line(log: TextIO) -> str:
    """The last words of a server that did not come up."""
    log.seek(0)
    said = [
        visible_line(each, 200) for each in log.read()[-4000:].splitlines() if any(map(str.isalnum, each))
    ]
    return said[-1].strip() if said else ""
