"""Tools of MCP servers in the chat that goes line by line: asked about, run, and their results answered."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from persona.cli.voices import Voice
from persona.errors import BadInput, NotInstalled
from persona.tools import NOT_ALLOWED, Tool, Tools, no_such_tool
from persona.visible import visible, visible_line
from store.records import ToolCall

T = TypeVar("T")
_SHOWN = 300  # characters of a result that are shown; the model gets all of it
_NAMED = 200
_ONCE, _ALWAYS, _NO = ("y", "yes"), ("a", "always"), ("n", "no")


def check_tools(servers: Mapping[str, str]) -> None:
    """NotInstalled when servers are named and what speaks to them is not installed."""
    if servers and importlib.util.find_spec("mcp") is None:
        raise NotInstalled("mcp, which [chat.tools] needs,", "mcp")


class Toolbox:
    """What `servers` offer; they live in a loop of their own, in a thread. Close it when it was started."""

    def __init__(self, servers: Mapping[str, str], voice: Voice) -> None:
        self._voice = voice
        self._unread: str | None = None
        self._tools = Tools(servers)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: Future[list[str]] | None = None

    def start(self) -> None:
        """Nothing is waited for."""
        if self._tools.servers:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="tools", daemon=True)
            self._thread.start()
            self._starting = self._begun(self._tools.start())

    def offered(self) -> tuple[dict[str, Any], ...]:
        """What goes with a question, once the servers are there; Ctrl-C asks without them."""
        if self._starting is not None:
            if not self._starting.done():
                self._voice.note("the tools are starting; Ctrl-C asks without them")
            try:
                troubles = self._starting.result()
            except KeyboardInterrupt:
                return ()
            self._starting = None
            for trouble in troubles:
                self._voice.note(trouble)
        return tuple(self._tools.offered())

    def results(self, calls: Sequence[ToolCall]) -> list[tuple[str, str]] | None:
        """Ids and what is sent back, of each call. None when there is none, or the user stops here."""
        if not calls or not self._tools.known():
            return None
        found: list[tuple[str, str]] = []
        for call in calls:
            said = self._result(call)
            if said is None:
                self._voice.note("stopped: no result was sent back")
                return None
            self._voice.note(f"{call.name}: {visible_line(said, _SHOWN)}")
            found.append((call.id, said))
        return found

    def unread(self) -> str | None:
        """A line that was read for an answer to us, and says something else; once."""
        line, self._unread = self._unread, None
        return line

    def tell(self, again: str) -> None:
        """What is offered, and which of it needs no asking; with "ask", all does again."""
        if again not in ("", "ask"):
            raise BadInput("/tools lists them; /tools ask asks about every call again")
        if not self._tools.servers:
            raise BadInput("no tools: name MCP servers under [chat.tools] in config.toml")
        self.offered()
        if again:
            self._tools.allowed.clear()
        for server in self._tools.servers:
            self._voice.note(f"{server.name} {visible(server.trouble)}".rstrip())
            for tool in self._tools.known():
                if tool.server is server:
                    free = " (allowed in this chat)" if tool.name in self._tools.allowed else ""
                    self._voice.note(
                        f"  {visible_line(tool.name, _NAMED)}{free}: {visible_line(tool.says, _NAMED)}"
                    )

    def close(self) -> None:
        if self._loop is not None:
            self._begun(self._tools.close()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _result(self, call: ToolCall) -> str | None:
        tool = self._tools.named(call.name)
        if tool is None:
            return no_such_tool(call.name)
        allowed = call.name in self._tools.allowed or self._may(tool, call)
        if not allowed:
            return None if allowed is None else NOT_ALLOWED
        running = self._begun(self._tools.call(tool, call.arguments))
        try:
            return running.result()
        except KeyboardInterrupt:
            running.cancel()
            return None

    def _may(self, tool: Tool, call: ToolCall) -> bool | None:
        """None: stop here."""
        shown = visible(json.dumps(call.arguments, ensure_ascii=False))
        self._voice.asked(server=tool.server.name, tool=visible_line(tool.own, _NAMED), arguments=shown)
        line = self._voice.read() or ""
        answer = line.strip().lower()
        if answer in _ALWAYS:
            self._tools.allowed.add(tool.name)
        if answer in (*_ONCE, *_ALWAYS):
            return True
        if answer in _NO:
            return False
        self._unread = line  # whoever writes on, or a script that knows of no tools, has said no yes
        return None

    def _begun(self, what: Coroutine[Any, Any, T]) -> Future[T]:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(what, self._loop)
