"""What every dialect can do: read a request, and write an answer whole or as events."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic_core import to_json

from persona.serve.asked import Asked, Ended, Given, Opened
from persona.serve.limits import Limits
from persona.serve.refusals import Refused
from persona.template.reader import Piece

Json = Any


def event(data: Json, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + to_json(data, inf_nan_mode="null") + b"\n\n"


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(12)}"


class Writer(Protocol):
    """One answer in one dialect: either `whole`, or `begin`, `piece`s and `end` (or `broken`), in order."""

    def whole(self, given: Given, ended: Ended) -> Json: ...

    def begin(self) -> list[bytes]: ...

    def piece(self, piece: Piece) -> list[bytes]: ...

    def end(self, ended: Ended) -> list[bytes]: ...

    def broken(self, refused: Refused) -> list[bytes]: ...

    def beat(self) -> bytes:
        """What tells a client that its answer is still on its way."""
        ...


class Dialect(Protocol):
    """Stateless. `read` raises Refused, naming the field. `call_prefix` begins the ids of calls."""

    call_prefix: str

    def read(self, document: Mapping[str, Json], limits: Limits) -> tuple[Asked, Any]:
        """What is asked for, and what the dialect itself needs to remember for the answer."""
        ...

    def writer(self, opened: Opened, remembered: Any) -> Writer: ...


@dataclass(frozen=True, slots=True)
class Head:
    """What an answer says of itself, in every dialect."""

    id: str
    model: str
    created: int = field(default_factory=lambda: int(time.time()))


def persona_says(opened: Opened, ended: Ended) -> dict[str, Json]:
    """What persona adds to an answer's end: in a stream there are no headers left to say it."""
    return {"revision": opened.revision, "interaction": ended.interaction}


def timings(ended: Ended) -> dict[str, Json]:
    """As llama.cpp reports them; reading the prompt is what went by before the first text."""
    prompt_ms, predicted_ms = ended.until_first * 1000, ended.since_first * 1000
    prompt_n, predicted_n = ended.completion.prompt_tokens, ended.completion.completion_tokens
    return {
        "prompt_n": prompt_n,
        "prompt_ms": round(prompt_ms, 3),
        "prompt_per_second": _rate(prompt_n, ended.until_first),
        "predicted_n": predicted_n,
        "predicted_ms": round(predicted_ms, 3),
        "predicted_per_second": _rate(predicted_n, ended.since_first),
    }


def _rate(count: int, seconds: float) -> float | None:
    return round(count / seconds, 3) if seconds > 0 else None
