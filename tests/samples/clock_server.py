"""An MCP server on standard input and output, which writes down what it was asked: `clock_server.py FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mcp.server import MCPServer

server = MCPServer("clock")


@server.tool()
def tell_time(zone: str) -> str:
    "The time in a zone."
    with Path(sys.argv[1]).open("a") as asked:
        print(zone, file=asked)
    return f"12:00 in {zone}"


@server.tool()
def breaks() -> str:
    "Does not work."
    raise ValueError("out of order")


@server.tool()
def goes_on() -> str:
    "Says very much."
    return "word " * 10_000


@server.tool()
async def waits() -> str:
    "Never ends."
    await asyncio.sleep(1000)
    return "not yet"


server.run("stdio")
