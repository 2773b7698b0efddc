"""What a browser wants to hear before it shows a web page an answer, and lets it ask: CORS.

Only pages of allowed origins are answered in these words; a page that hears none of them sees nothing.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Scope

_METHODS = "GET, POST"
_READABLE = "Retry-After, X-Persona-Interaction, X-Persona-Revision"
_NAMES = re.compile(r"[A-Za-z0-9_-]{1,64}(?: *, *[A-Za-z0-9_-]{1,64}){0,63}")
_REMEMBERED = "600"  # seconds that a browser need not ask again


def page_of(headers: Headers, allowed: AbstractSet[str]) -> str | None:
    """The allowed origin whose page asks; None when no page does, or not one that may."""
    origins = headers.getlist("origin")
    return origins[0] if len(origins) == 1 and origins[0] in allowed else None


def is_preflight(scope: Scope, headers: Headers) -> bool:
    """Whether it is the browser's own question, which can show no token."""
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def preflight_response(headers: Headers) -> Response:
    """The same for every path, so that it tells of none. Of headers the page may send those it wants: it is
    allowed to speak, and clients' libraries add their own.
    """
    response = Response(status_code=204)
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    response.headers["Access-Control-Max-Age"] = _REMEMBERED
    wanted = headers.get("access-control-request-headers", "").strip()
    if _NAMES.fullmatch(wanted):
        response.headers["Access-Control-Allow-Headers"] = wanted
    if headers.get("access-control-request-private-network") == "true":
        response.headers["Access-Control-Allow-Private-Network"] = "true"
    return response


def let_read(headers: MutableHeaders, page: str) -> None:
    """Add to a response's headers that this page may read it."""
    headers["Access-Control-Allow-Origin"] = page
    headers["Access-Control-Expose-Headers"] = _READABLE
    headers.add_vary_header("Origin")
