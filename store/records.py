"""The facts that the store keeps, as frozen values.

Every record is immutable and keyword-only. Identifiers are opaque strings; those of interactions,
messages, feedback, signals, examples and snapshots are hashes of what they name, so writing the same
fact twice writes it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Json = Any  # what json.loads returns; narrowed where it enters (persona.capture.interchange)
Role = Literal["system", "user", "assistant", "tool"]


class Origin(StrEnum):
    """Who wrote a text. Bound when it is written, never derived from its content afterwards."""

    USER = "user"
    MODEL = "model"
    TOOL = "tool"
    CLIENT = "client"  # a system prompt or other text that a client program put there


_ORIGIN_OF_ROLE: Mapping[str, Origin] = {
    "user": Origin.USER,
    "assistant": Origin.MODEL,
    "tool": Origin.TOOL,
    "system": Origin.CLIENT,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """One call that the model made. `arguments` is a JSON object."""

    name: str
    arguments: Mapping[str, Json]
    id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn. `origin` follows from the role unless whoever writes it knows better."""

    role: Role
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    origin: Origin = field(default=None)  # type: ignore[assignment]  # set below, never None

    def __post_init__(self) -> None:
        if self.role not in _ORIGIN_OF_ROLE:
            raise ValueError(f"unknown role {self.role!r}")
        if self.origin is None:
            object.__setattr__(self, "origin", _ORIGIN_OF_ROLE[self.role])  # type: ignore[unreachable]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interaction:
    """One prompt (messages, tools) and its completion, with the revision that answered.

    `prompt` holds every message before the completion, oldest first; `tools` are OpenAI tool objects.
    `revision` is the content id of the answering revision, "r0" for the bare base, None when another
    model answered.
    """

    id: str
    conversation: str
    at: datetime
    source: str
    prompt: tuple[Message, ...]
    completion: Message
    tools: tuple[Mapping[str, Json], ...] = ()
    revision: str | None = None


class FeedbackKind(StrEnum):
    UP = "up"
    DOWN = "down"
    EDIT = "edit"
    PICK = "pick"
    CORRECTION = "correction"
    PREFERENCE = "preference"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """A raw act of the user. All kinds but PREFERENCE are acts on one interaction's completion.

    up, down: `reason` may say why. edit: `content` and `tool_calls` are what the user made of it.
    pick: `over` are the answers not taken. correction: `content` is what the user said was wrong.
    preference: `content` is the statement, `conversation` where it was said (None: said outside any).
    """

    id: str
    kind: FeedbackKind
    at: datetime
    interaction: str | None = None
    conversation: str | None = None
    reason: str = ""
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    over: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """Mined evidence. `quote` is the span of user-authored text (or the act) that it rests on.

    `polarity` is +1 (wanted), -1 (not wanted) or 0 (a statement); `confidence` lies in (0, 1].
    """

    id: str
    detector: str
    at: datetime
    polarity: int
    confidence: float
    quote: str
    interaction: str | None = None
    conversation: str | None = None
    feedback: str | None = None


class PreferenceStatus(StrEnum):
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    CONTESTED = "contested"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """One entry of the ledger; its status is the last of its events, not a column.

    `attribute` names what it is about ("length.sentences", "closing", "tool.get_weather.units"): two
    active entries never share (scope, attribute). `scope` is "always", "kind:KIND" (a kind of request, as
    "kind:code") or "tool:NAME"; an entry with a tool scope is a habit. `checker` is the JSON of a persona
    checker, or None when none can be written. `pinned` by the user: only the user's own words change it.
    """

    id: str
    statement: str
    scope: str
    attribute: str
    source: Literal["stated", "inferred"]
    first_seen: datetime
    last_seen: datetime
    status: PreferenceStatus
    checker: Mapping[str, Json] | None = None
    signals: tuple[str, ...] = ()
    superseded_by: str | None = None
    pinned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEvent:
    """One append-only entry of the ledger's history. `pinned` pins or unpins; None leaves that as it is."""

    preference: str
    at: datetime
    status: PreferenceStatus
    reason: str
    by: str | None = None
    pinned: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Demonstration:
    """A prompt and the completion that was wanted (SFT)."""

    id: str
    conversation: str
    prompt: tuple[Message, ...]
    completion: Message
    tools: tuple[Mapping[str, Json], ...] = ()
    signals: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PreferencePair:
    """A prompt, the completion that was wanted and one that was not (DPO)."""

    id: str
    conversation: str
    prompt: tuple[Message, ...]
    chosen: Message
    rejected: Message
    tools: tuple[Mapping[str, Json], ...] = ()
    signals: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()


Example = Demonstration | PreferencePair


class Split(StrEnum):
    TRAIN = "train"
    HELD_OUT = "held_out"


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSnapshot:
    """The frozen set of one build. `id` is the hash of everything else but `at`.

    `preferences` are the entries that were active when it was frozen, whole, so that a build and its
    evaluation need nothing but the snapshot and its examples.
    """

    id: str
    at: datetime
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    preferences: tuple[Preference, ...] = ()


class RunState(StrEnum):
    STARTED = "started"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    NOTHING_TO_LEARN = "nothing_to_learn"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One night. Every state but STARTED is terminal."""

    id: str
    started_at: datetime
    state: RunState
    ended_at: datetime | None = None
    snapshot: str | None = None
    revision: str | None = None
    reasons: Sequence[str] = ()
    report: Mapping[str, Json] | None = None
    costs: Mapping[str, Json] = field(default_factory=dict)
