"""Refusals as the dialects write them."""

from __future__ import annotations

from typing import Any

from persona.serve.refusals import Refused

Json = Any

_OPENAI = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def openai_error(refused: Refused) -> dict[str, Json]:
    kind = _OPENAI.get(refused.status, "server_error" if refused.status >= 500 else "invalid_request_error")
    return {"error": {"message": refused.message, "type": kind, "param": refused.field, "code": refused.code}}


def anthropic_error(refused: Refused) -> dict[str, Json]:
    kind = _ANTHROPIC.get(refused.status, "api_error" if refused.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": refused.message}}


def error_for(path: str, refused: Refused) -> dict[str, Json]:
    """The refusal in the dialect of the route."""
    if path == "/v1/messages" or path.startswith("/v1/messages/"):
        return anthropic_error(refused)
    return openai_error(refused)
