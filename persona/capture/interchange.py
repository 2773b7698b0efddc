"""Reads conversations that other programs, or another persona, wrote: one JSON object a line.

Invariant: the store holds whole conversations only, however the import ends, and importing again changes
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from persona.capture.lines import BadLine, Line, parse, read_lines
from persona.errors import BadInput
from store import Act, Added, Conversation, Store, Turn
from store.errors import Refused
from store.records import FeedbackKind, Json, Message, ToolCall

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all: after each batch, and once at the end."""

_BATCH_LINES = 100
_BATCH_BYTES = 4 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A line that did not fit. `reason` quotes nothing of it."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """`conversations` were read, old and new; `added` is how much of them was new to the store."""

    conversations: int
    added: Added
    skipped: tuple[Skipped, ...]


def require_readable(paths: Sequence[Path]) -> None:
    """BadInput unless each of these files opens: nothing of the others need be read then. A pipe opens once,
    and is not tried."""
    for path in paths:
        with _as_bad_input(path):
            if not path.is_fifo():
                path.open("rb").close()


def import_file(
    store: Store, path: Path, *, on_progress: Progress = lambda _done, _all: None
) -> ImportReport:
    """Read a file of conversations into the store, and say which lines were skipped and why.

    Batches of lines go in, each in one transaction. Raises BadInput when the file cannot be read, and what
    the store raises; the batches before that stay.
    """
    conversations, added, skipped = 0, Added(), list[Skipped]()
    for batch in _batches(path):
        skipped += batch.skipped
        with store.transaction():
            for number, conversation in batch.conversations:
                try:
                    added = _sum(added, store.interactions.add_conversation(conversation))
                    conversations += 1
                except Refused as error:  # of this conversation nothing is left behind
                    skipped.append(Skipped(line=number, reason=str(error)))
        on_progress(batch.end, batch.total)
    return ImportReport(
        conversations=conversations,
        added=added,
        skipped=tuple(sorted(skipped, key=lambda entry: entry.line)),
    )


@dataclass(kw_only=True, slots=True)
class _Batch:
    """What goes in at once: positions are bytes of the file."""

    conversations: list[tuple[int, Conversation]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    start: int
    end: int
    total: int

    @property
    def full(self) -> bool:
        return len(self.conversations) >= _BATCH_LINES or self.end - self.start >= _BATCH_BYTES


def _batches(path: Path) -> Iterator[_Batch]:
    """The file in batches, the last one maybe empty. Raises BadInput."""
    with _as_bad_input(path), path.open("rb") as file:
        total = os.fstat(file.fileno()).st_size
        batch = _Batch(start=0, end=0, total=total)
        for line in read_lines(file):
            batch.end = line.end
            try:
                batch.conversations.append((line.number, _conversation(line)))
            except BadLine as reason:
                batch.skipped.append(Skipped(line=line.number, reason=str(reason)))
            if batch.full:
                yield batch
                batch = _Batch(start=line.end, end=line.end, total=total)
        batch.end = batch.total = max(total, batch.end)
        yield batch


@contextmanager
def _as_bad_input(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}; check the path") from error


def _sum(one: Added, other: Added) -> Added:
    return Added(
        interactions=one.interactions + other.interactions,
        messages=one.messages + other.messages,
        feedback=one.feedback + other.feedback,
        statements=one.statements + other.statements,
    )


def _conversation(line: Line) -> Conversation:
    """What the line means. Raises BadLine."""
    if isinstance(line.document, BadLine):
        raise line.document
    try:
        return _Conversation.model_validate(line.document).meaning()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BadLine(f"{where.lstrip('.')}: {reason}" if where else reason) from error
    except ValueError as error:
        raise BadLine(str(error)) from error


def _or_default(default: Any) -> BeforeValidator:
    """null means what leaving the field out means."""
    return BeforeValidator(lambda value: default if value is None else value)


def _parsed_arguments(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = parse(value)
        except BadLine as reason:
            raise ValueError(f"the arguments are {reason}") from None
    if not isinstance(value, dict):
        raise ValueError("the arguments are not a JSON object")  # noqa: TRY004  # pydantic reports these alone
    return value


def _instant(value: Any) -> datetime:
    """ISO 8601; a time without a zone is UTC."""
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("not a time as in 2026-11-01T21:04:00Z") from None


def _tool(value: Any) -> Any:
    """An OpenAI tool object: only its function's name is needed here, the rest is kept as it is."""
    function = value.get("function") if isinstance(value, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError("a tool is an object with a function that has a name")
    return value


_Text = Annotated[str, _or_default("")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Function(_Shape):
    name: str = Field(min_length=1)
    arguments: Annotated[dict[str, Json], BeforeValidator(_parsed_arguments)]


class _Call(_Shape):
    id: _Text = ""
    function: _Function

    def meaning(self) -> ToolCall:
        return ToolCall(id=self.id, name=self.function.name, arguments=self.function.arguments)


_Calls = Annotated[list[_Call], _or_default([])]


class _Feedback(_Shape):
    kind: Literal["up", "down", "edit", "pick", "correction"]
    reason: _Text = ""
    content: _Text = ""
    tool_calls: _Calls = []
    over: Annotated[list[str], _or_default([])] = []

    def meaning(self) -> Act:
        return Act(
            kind=FeedbackKind(self.kind),
            reason=self.reason,
            content=self.content,
            tool_calls=tuple(call.meaning() for call in self.tool_calls),
            over=tuple(self.over),
        )


class _Message(_Shape):
    role: Literal["system", "user", "assistant", "tool"]
    content: _Text = ""
    tool_calls: _Calls = []
    tool_call_id: str | None = None
    feedback: Annotated[list[_Feedback], _or_default([])] = []

    def meaning(self) -> Turn:
        return Turn(
            message=Message(
                role=self.role,
                content=self.content,
                tool_calls=tuple(call.meaning() for call in self.tool_calls),
                tool_call_id=self.tool_call_id,
            ),
            feedback=tuple(given.meaning() for given in self.feedback),
        )


class _Statement(_Shape):
    statement: str


class _Conversation(_Shape):
    id: str = Field(min_length=1, max_length=500)
    at: Annotated[datetime, BeforeValidator(_instant)]
    source: Annotated[str, _or_default("import")] = "import"
    tools: Annotated[list[Annotated[dict[str, Json], BeforeValidator(_tool)]], _or_default([])] = []
    messages: Annotated[list[_Message], _or_default([])] = []
    preferences: Annotated[list[_Statement], _or_default([])] = []

    def meaning(self) -> Conversation:
        self._check_order()
        return Conversation(
            id=self.id,
            at=self.at,
            source=self.source,
            turns=tuple(message.meaning() for message in self.messages),
            tools=tuple(self.tools),
            statements=tuple(stated.statement.strip() for stated in self.preferences),
        )

    def _check_order(self) -> None:
        """Who may speak when; places count from 1, as people count messages. Raises ValueError."""
        asked = called = False
        for place, message in enumerate(self.messages, start=1):
            match message.role:
                case "assistant" if not asked:
                    raise ValueError(f"message {place} is an answer before any prompt")
                case "tool" if not called:
                    raise ValueError(f"message {place} is a tool's result before any call")
                case "assistant":
                    called = called or bool(message.tool_calls)
                case "user":
                    asked = True
            if message.tool_calls and message.role != "assistant":
                raise ValueError(f"message {place} ({message.role}) calls a tool: only the assistant does")
        if not self.messages and not self.preferences:
            raise ValueError("neither messages nor preferences")
