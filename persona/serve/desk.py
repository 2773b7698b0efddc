"""What the HTTP routes need of persona: one Desk per identity, behind which engines, store and nights lie.

The routes know dialects and status codes and nothing else; a Desk knows no HTTP. Every method may block (a
load, an fsync) and may be called from several threads at once: the routes call them off the event loop.
Errors are those of persona.errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from persona.engine.protocol import Completion, Engine, Prompt
from store.records import Feedback

Json = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """One entry of /v1/models. `root` is the revision's content id, `parent` the base's name."""

    id: str
    root: str
    parent: str
    created: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """One revision, held for one request: it is neither swapped nor closed before the lease is left.

    `model` is the resolved id ("persona:r7"), `revision` the content id ("r0" for the bare base).
    `statements` are the preferences that this revision's weights do not carry yet; they go into the prompt.
    """

    engine: Engine
    model: str
    revision: str
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One answer to keep: the prompt as the client sent it, the completion as it was given.

    `conversation` is the client's own id for it, or None: then it is the conversation whose messages the
    prompt continues, or a new one. `source` names the client. `revision` is None for an upstream's answer.
    """

    prompt: Prompt
    completion: Completion
    source: str
    revision: str | None
    conversation: str | None = None


class Desk(Protocol):
    """One identity's part of the daemon."""

    @property
    def identity(self) -> str: ...

    def models(self) -> Sequence[ModelCard]:
        """persona, persona:base, and every revision that could be served; the champion's card first."""
        ...

    def lease(self, model: str) -> AbstractContextManager[Lease]:
        """The revision that `model` names now, loaded. UnknownModel; Busy while too many are loaded."""
        ...

    def keep(self, turn: Turn) -> str:
        """The interaction's id, once it is durable."""
        ...

    def feedback(self, feedback: Feedback, *, source: str) -> Feedback:
        """Keep an act; without an interaction it is about the last one of `source`. UnknownId."""
        ...

    def ask(self, name: str, arguments: Mapping[str, Json]) -> Json:
        """One of persona's own questions and commands (status, revisions, preferences, rollback, …), whose
        answer is plain JSON: the same as the command line's --json. BadInput for what is unknown."""
        ...
