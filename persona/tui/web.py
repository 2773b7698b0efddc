"""The chat in a browser of this machine: textual-serve on loopback, behind a secret.

Whoever reaches the page talks as the user, so a page needs the secret of the link that was printed, and no
other web page, whatever it opens, gets through to the socket.
"""

from __future__ import annotations

import hmac
import secrets
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from aiohttp import web
from textual_serve.server import Server

_HOST = "127.0.0.1"
_COOKIE = "persona-chat"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalServer(Server):
    """`secret` opens it, once in the link and then as a cookie."""

    def __init__(self, command: str, *, port: int, secret: str) -> None:
        super().__init__(command, host=_HOST, port=port, title="persona")
        self.secret = secret

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(cast("Any", self._guard()))  # aiohttp has a protocol of its own
        return app

    async def on_startup(self, app: web.Application) -> None:  # noqa: ARG002  # as the server declares it
        """Say where, and nothing else."""
        self.console.print(f"{self.public_url}/?key={self.secret}", highlight=False, soft_wrap=True)
        self.console.print("Ctrl+C ends")

    def initialize_logging(self) -> None:
        """Quiet: requests are nobody's business."""

    def _guard(self) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            origin = request.headers.get("Origin")
            if request.host != f"{self.host}:{self.port}" or origin not in (None, self.public_url):
                raise web.HTTPForbidden(text="this address is not mine")
            shown = request.query.get("key") or request.cookies.get(_COOKIE, "")
            if not hmac.compare_digest(shown.encode(), self.secret.encode()):
                raise web.HTTPForbidden(text="open the link that `persona chat --web` printed")
            if "key" in request.query:
                there = web.HTTPFound("/")
                there.set_cookie(_COOKIE, self.secret, httponly=True, samesite="Strict")
                raise there
            return await handler(request)

        return guard


def serve(command: Sequence[str]) -> None:
    """Until Ctrl-C. Every page runs `command` of its own."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port = probe.getsockname()[1]
    LocalServer(shlex.join(command), port=port, secret=secrets.token_urlsafe(32)).serve()
