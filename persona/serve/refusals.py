"""Why a request was not answered, as status, code and one clear line.

Refused               the status that it carries
├── NotUnderstood     400   a field that is missing or not what it should be
├── NotSupported      400   a field that is fine, for something that persona does not do
├── NotAdmitted       401   no token, or one that nobody gave
├── NotAllowed        403   a Host or Origin that is not ours
├── NotThere          404
├── NotThisWay        405
├── TooSlow           408
├── TooLarge          413
├── NotJson           415
└── TooMany           429

`refusal_of` says which status persona's own errors have.
"""

from __future__ import annotations

from persona.errors import (
    BadInput,
    Busy,
    EngineClosed,
    EnginesBusy,
    Mismatch,
    NoSpace,
    NotInitialised,
    NotKept,
    PersonaError,
    PromptTooLong,
    TemplateRefused,
    UnknownModel,
    UnknownRevision,
)

RETRY_AFTER = 2  # seconds


class Refused(Exception):
    """`code` is for programs, the message for people; `field` is where in the request the reason lies."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.field = field
        self.retry_after = retry_after


class NotUnderstood(Refused):
    def __init__(self, field: str | None, why: str) -> None:
        super().__init__(f"{field}: {why}" if field else why, status=400, code="invalid_value", field=field)


class NotSupported(Refused):
    def __init__(self, field: str, what: str) -> None:
        super().__init__(
            f"{field}: persona does not support {what}", status=400, code="unsupported_parameter", field=field
        )


class NotAdmitted(Refused):
    def __init__(self) -> None:
        super().__init__(
            "show persona's token, as `Authorization: Bearer TOKEN` or `x-api-key: TOKEN`",
            status=401,
            code="invalid_api_key",
        )


class NotAllowed(Refused):
    def __init__(self, header: str, value: str | None) -> None:
        if value is None:
            said = "is missing"
        else:
            setting = f"`{header.lower()}s` under [serve]"
            said = f"{value[:100]!r} is not one of this server's: its owner allows more with {setting}"
        super().__init__(f"{header} {said}", status=403, code="not_allowed")


class NotThere(Refused):
    def __init__(self, what: str) -> None:
        super().__init__(f"there is no {what}", status=404, code="not_found")


class NotThisWay(Refused):
    def __init__(self, method: str, path: str, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"{path} takes {allowed}, not {method}", status=405, code="method_not_allowed")


class TooSlow(Refused):
    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the body did not come within {seconds:g} seconds", status=408, code="request_timeout"
        )


class TooLarge(Refused):
    def __init__(self, limit: int) -> None:
        super().__init__(
            f"a body may have {limit} bytes: send a shorter conversation",
            status=413,
            code="request_too_large",
        )


class NotJson(Refused):
    def __init__(self, media_type: str) -> None:
        said = f"not {media_type[:100]!r}" if media_type else "and the request names no type"
        super().__init__(
            f"a body has to be application/json, {said}", status=415, code="unsupported_media_type"
        )


class TooMany(Refused):
    def __init__(self, what: str, limit: int, retry_after: int) -> None:
        super().__init__(
            f"{limit} {what} are under way already: try again in {retry_after} seconds",
            status=429,
            code="rate_limit_exceeded",
            retry_after=retry_after,
        )


def refusal_of(error: PersonaError, *, schema: bool = False) -> Refused:
    """The refusal that an error of persona's is. `schema`: the request asked for JSON that fits a schema, and
    engines say with an EngineError that they cannot hold an answer to it.
    """
    message = str(error)
    match error:
        case PromptTooLong():
            # Clients shorten the conversation when they read these words, or this code.
            text = f"prompt is too long: {error.tokens} tokens > {error.context} maximum; {message}"
            return Refused(text, status=400, code="context_length_exceeded", field="messages")
        case UnknownModel():
            return Refused(message, status=404, code="model_not_found", field="model")
        case UnknownRevision():
            return Refused(message, status=404, code="not_found")
        case NotInitialised() | EngineClosed():
            return Refused(message, status=503, code="loading", retry_after=RETRY_AFTER)
        case TemplateRefused():
            return Refused(message, status=400, code="invalid_value", field="messages")
        case BadInput():
            return Refused(message, status=400, code="invalid_value")
        case EnginesBusy():
            return Refused(message, status=429, code="rate_limit_exceeded", retry_after=RETRY_AFTER)
        case Busy() | Mismatch():
            return Refused(message, status=409, code="conflict")
        case NoSpace() | NotKept():
            return Refused(message, status=507, code="insufficient_storage")
    if schema:
        return Refused(message, status=400, code="invalid_value", field="response_format")
    return Refused(message, status=500, code="internal_error")
