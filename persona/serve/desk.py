"""What the HTTP routes need of persona: one Desk per identity, behind which engines, store and nights lie.

The routes know dialects and status codes and nothing else; a Desk knows no HTTP. Every method may block (a
load, an fsync) and may be called from several threads at once: the routes call them off the event loop.
Errors are those of persona.errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from persona.engine.protocol import Completion, Engine, Prompt
from store.records import Feedback

Json = Any

# What only looks, and may be asked for by GET with these arguments, as texts; all else is an act and a POST.
READS: Mapping[str, frozenset[str]] = {
    "status": frozenset(),
    "revisions": frozenset(),
    "report": frozenset({"revision"}),
    "runs": frozenset({"limit"}),
    "diff": frozenset({"a", "b", "prompts"}),
    "preferences": frozenset({"every"}),
    "habits": frozenset({"every"}),
    "conversations": frozenset({"limit"}),
    "conversation": frozenset({"id", "brief", "last"}),
    "search": frozenset({"text", "limit"}),
    "tonight": frozenset(),
    "evidence": frozenset({"preference"}),
    "timeline": frozenset(),
    "learned": frozenset({"revision"}),
    "why": frozenset({"interaction"}),
    "morning": frozenset({"revision"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """One entry of /v1/models. `root` is the revision's content id, `parent` the base's name.
    `context` is how many tokens a prompt and its answer may have together, None where that is not known.
    """

    id: str
    root: str
    parent: str
    created: datetime
    context: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """One revision, held for one request: it is neither swapped nor closed before the lease is left.

    `model` is the resolved id ("persona:r7"), `revision` the content id ("r0" for the bare base).
    `statements` are the preferences that this revision's weights do not carry yet; `engine` itself puts those
    of them that speak about a prompt into it, and what is kept stays the prompt as the client sent it.
    `controls` are the control tokens of the base's template (Template.control_tokens).
    """

    engine: Engine
    model: str
    revision: str
    statements: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """Another model server that answers for model ids which are not persona's: OpenAI-compatible, `url` ends
    before "/chat/completions". `key` is shown to it instead of the client's; empty: none is.
    """

    url: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """Something that a client may want to show: numbers grow by one and begin at 1 with the daemon.

    `kind` is "serving" (a swap is done: model, revision, before), "not_loaded" (the champion cannot be: why),
    "night" (state, and what the night says) or "stopping" (the last one: the daemon ends).
    """

    number: int
    at: datetime
    kind: str
    data: Mapping[str, Json]


class Desk(Protocol):
    """One identity's part of the daemon."""

    @property
    def identity(self) -> str: ...

    def models(self) -> Sequence[ModelCard]:
        """persona, persona:base, and every revision that could be served; the champion's card first. Then the
        models of another server, if there is one and it says."""
        ...

    def lease(self, model: str) -> AbstractContextManager[Lease]:
        """The revision that `model` names now, loaded. UnknownModel; EnginesBusy while there is no room."""
        ...

    def upstream(self, model: str) -> Upstream | None:
        """Who answers for a model id that is not persona's; None: nobody does."""
        ...

    def passing(self) -> AbstractContextManager[None]:
        """Held while another server's answer passes through, so that it counts as use. Never blocks."""
        ...

    def keep(self, turn: Turn) -> str:
        """The interaction's id, once it is durable. NotKept when it cannot be; the answer stands."""
        ...

    def miss(self, why: str) -> None:
        """Another model's turn passed by and could not be read, so it is not kept: for `status`."""
        ...

    def feedback(self, feedback: Feedback, *, source: str) -> Feedback:
        """Keep an act, as kept: without an interaction it is about the last one of `source`. BadInput."""
        ...

    def ask(self, name: str, arguments: Mapping[str, Json]) -> Json:
        """One of persona's own questions and commands (status, revisions, preferences, rollback, …), whose
        answer is plain JSON: the same as the command line's --json. BadInput for what is unknown."""
        ...

    def happenings(self, *, after: int, wait: float) -> Sequence[Happening]:
        """Those with a number above `after`, oldest first: at once if there are any, else as soon as there is
        one, and none when `wait` seconds have passed. The newest few hundred are kept. A number above the
        newest is of an earlier desk, and counts as 0.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Who shows a token. `name` is the client's, and the source of what it says."""

    name: str
    desk: Desk


class Door(Protocol):
    """Whom a token lets in, and to whose desk."""

    def admit(self, token: str) -> Visitor | None:
        """None for a token that is not known. Takes the same time however much of it is right."""
        ...
