"""A refusal as a response."""

from __future__ import annotations

from starlette.responses import JSONResponse

from persona.serve.dialects.errors import error_for
from persona.serve.refusals import NotThisWay, Refused


def refused_response(path: str, refused: Refused) -> JSONResponse:
    headers = {}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(refused, NotThisWay):
        headers["Allow"] = refused.allowed
    return JSONResponse(error_for(path, refused), status_code=refused.status, headers=headers)
