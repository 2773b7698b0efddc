"""The server in front of the application: uvicorn, with an end to clients that dawdle."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from persona.serve.limits import Limits

_WAITING = 128  # connections that nobody has taken yet
_GRACE = 1.0  # seconds in which the application may say itself that a body came too late


class PatientProtocol(H11Protocol):
    """One connection. uvicorn itself waits without end for headers, bodies and readers."""

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._awaited = "headers"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
            return
        self._wait(self._limits.header_seconds)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look(received=True)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look(received=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _look(self, *, received: bool) -> None:
        """Start the time of what the client has to send next, if that has changed."""
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            awaited, seconds = "body", self._limits.body_seconds + _GRACE
        elif state is h11.IDLE and received:
            awaited, seconds = "headers", self._limits.header_seconds
        else:  # nothing, or the next request on a connection that is kept, whose time uvicorn takes
            awaited, seconds = "nothing", None
        if awaited != self._awaited:
            self._awaited = awaited
            self._wait(seconds)

    def _wait(self, seconds: float | None) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if seconds is not None:
            self._reading = self.loop.call_later(seconds, self.transport.abort)


def make_server(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    drain_seconds: int = 10,
) -> uvicorn.Server:
    """A server that is not started; `run(sockets=[...])` or `serve` does. `drain_seconds` is how long answers
    may go on when it stops.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=partial(PatientProtocol, limits=limits or Limits()),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody stands in front of it whose word counts
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=drain_seconds,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any free one. OSError when it is taken. Who connects waits until a
    server takes the socket.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(_WAITING)  # what is only bound, another process could take as well
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound
