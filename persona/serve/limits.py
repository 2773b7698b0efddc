"""How much of the machine the HTTP routes may take, and who may speak to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Every time is in seconds. `answers` are generated or waited for at once, over all clients; `desk_calls`
    is how many other requests may block in a desk at once, `listeners` how many may follow what happens.
    `answer_tokens` and `temperature` are those of a request that does not say.
    """

    body_bytes: int = 8 * 2**20
    header_seconds: float = 10.0
    body_seconds: float = 12.0
    loading_seconds: float = 20.0  # a request waits so long for its model to be loaded
    write_seconds: float = 30.0  # for a client that does not read its answer
    connections: int = 256
    answers: int = 16
    desk_calls: int = 16
    listeners: int = 16
    retry_after: int = 2
    beat: float = 10.0  # what is sent that often keeps a waiting client from giving up
    answer_tokens: int = 1024
    most_answer_tokens: int = 32768  # a request that asks for more gets so many
    temperature: float = 0.7


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Whom the routes let speak, besides the loopback names with the port that the server is bound to.

    `hosts` are values of a Host header ("persona.lan:7437"), `origins` those of an Origin header.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
