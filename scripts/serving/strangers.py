"""Probes of a daemon by somebody who may not: generated from its routes, sent over real connections.

Each has a fault that alone must keep it out (a foreign Host or Origin, no token that is known, a body that a
web page could send), often several, some behind a path or framing that would like to get around the checks.
"""

from __future__ import annotations

import itertools
import json
import random
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from persona.serve.app import routes
from persona.serve.limits import Limits
from persona.serve.routes.service import Service

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND")
HOSTS: tuple[tuple[str, ...], ...] = (
    ("evil.example",),
    ("evil.example:{port}",),
    ("127.0.0.1.nip.io:{port}",),
    ("localhost.evil.example:{port}",),
    ("user@127.0.0.1:{port}",),
    ("127.0.0.1:1",),
    ("127.0.0.1",),
    ("127.0.0.2:{port}",),
    ("0.0.0.0:{port}",),
    ("[::]:{port}",),
    ("127.0.0.1:{port}, evil.example",),
    ("127.0.0.1:{port}.",),
    ("127.1:{port}",),
    ("",),
)
ORIGINS = (
    "https://evil.example",
    "null",
    "http://127.0.0.1:{port}",
    "http://localhost:{port}",
    "file://",
    "",
)
TOKENS: tuple[tuple[str, str], ...] = (
    ("X-Nothing", ""),
    ("Authorization", ""),
    ("Authorization", "Bearer"),
    ("Authorization", "Bearer wrong"),
    ("Authorization", "Bearer {token}x"),
    ("Authorization", "Bearer {cut}"),
    ("Authorization", "Bearer {upper}"),
    ("Authorization", "Basic {token}"),
    ("Authorization", "Bearer {token}\x00"),
    ("X-Api-Key", "{cut}"),
    ("Cookie", "token={token}"),
    ("Proxy-Authorization", "Bearer {token}"),
    ("X-Forwarded-For", "127.0.0.1"),
)
TYPES = (
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
)
DISGUISES = (
    "{path}",
    "{path}/",
    "/{path}",
    "/persona/..{path}",
    "{path}?token={token}",
    "{path}?api_key={token}",
    "http://127.0.0.1:{port}{path}",
    "{path}%00",
    "/%2e%2e{path}",
)
BODY = json.dumps(
    {"model": "persona", "messages": [{"role": "user", "content": "Who is there?"}], "max_tokens": 2}
)
_PATIENCE = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One request as it goes over the line, and what is wrong with it."""

    faults: tuple[str, ...]
    sent: bytes


def probes(count: int, *, port: int, token: str, seed: int = 1) -> Iterator[Probe]:
    """So many of them, the same for the same seed; every fault comes alone before any comes in company."""
    chance = random.Random(seed)  # nothing here is a secret
    places = [*paths(), "/", "/docs", "/openapi.json", "/admin", "/v1"]
    alone = itertools.cycle((fault,) for fault in ("host", "origin", "token", "type"))
    for number in range(count):
        if number < count // 2:
            faults: tuple[str, ...] = next(alone)
        else:
            faults = tuple(chance.sample(("host", "origin", "token", "type"), chance.randint(2, 4)))
        method = chance.choice(METHODS if "type" not in faults else ("POST", "PUT", "PATCH", "DELETE"))
        yield _probe(chance, faults, method, chance.choice(places), port, token)


def paths() -> list[str]:
    """Every route, with something for its parameters."""
    return [
        route.path.replace("{id:path}", "persona").replace("{name}", "status")
        for route in routes(Service.within(Limits()))
    ]


def send_all(sent: Sequence[Probe], port: int) -> dict[str, Any]:
    """How they were answered. What was not refused was let through; a line that is hung up is a refusal."""
    statuses: Counter[str] = Counter()
    through: list[str] = []
    for probe in sent:
        status = _status(probe.sent, port)
        statuses[str(status or "closed")] += 1
        if status is not None and not 400 <= status < 500:
            through.append(f"{status}: {'+'.join(probe.faults)}: {probe.sent[:200]!r}")
    return {"probes": len(sent), "let_through": len(through), "statuses": dict(sorted(statuses.items())),
            "which": through[:10]}  # fmt: skip


def _probe(
    chance: random.Random, faults: tuple[str, ...], method: str, path: str, port: int, token: str
) -> Probe:
    fills = {"port": port, "token": token, "cut": token[:-1], "upper": token.swapcase(), "path": path}
    headers: list[tuple[str, str]] = []
    hosts = chance.choice(HOSTS) if "host" in faults else ("127.0.0.1:{port}",)
    headers += [("Host", host.format(**fills)) for host in hosts]
    name, value = chance.choice(TOKENS) if "token" in faults else ("Authorization", "Bearer {token}")
    headers.append((name, value.format(**fills)))
    if "origin" in faults:
        headers.append(("Origin", chance.choice(ORIGINS).format(**fills)))
    media_type = chance.choice(TYPES) if "type" in faults else "application/json"
    if media_type:
        headers.append(("Content-Type", media_type))
    if method not in ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"):
        headers.append(("Content-Length", str(len(BODY))))
    target = chance.choice(DISGUISES).format(**fills)
    lines = [
        f"{method} {target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers),
        "Connection: close",
    ]
    body = BODY if method not in ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT") else ""
    return Probe(faults=faults, sent=("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1"))


def _status(sent: bytes, port: int) -> int | None:
    """The first line's status; None when the server hung up without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as line:
        said = b""
        try:
            line.sendall(sent)
            while b"\r\n" not in said and (piece := line.recv(4096)):
                said += piece
        except ConnectionError:
            pass
    words = said.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") else None
