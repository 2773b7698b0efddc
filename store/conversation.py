"""A whole conversation as it arrives from outside, validated: what one interchange line means.

Invariant: feedback and a revision stand only on completions, that is on assistant turns that have a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from store.identity import chain_ids, tools_id, turn_id, with_id
from store.records import Feedback, FeedbackKind, Interaction, Json, Message, ToolCall


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """One piece of feedback on one completion, before it has a name and a time.

    The fields mean what those of store.records.Feedback mean. Raises ValueError when the kind lacks what it
    needs.
    """

    kind: FeedbackKind
    reason: str = ""
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        match self.kind:
            case FeedbackKind.EDIT if not self.content and not self.tool_calls:
                raise ValueError("an edit needs content or tool_calls")
            case FeedbackKind.PICK if not self.over:
                raise ValueError("a pick needs the answers it was taken over")
            case FeedbackKind.CORRECTION if not self.content.strip():
                raise ValueError("a correction needs content")
            case FeedbackKind.PREFERENCE:
                raise ValueError("a stated preference belongs to the conversation, not to one completion")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One message, and for a completion the feedback it got and the revision that answered."""

    message: Message
    feedback: tuple[Act, ...] = ()
    revision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """Turns, oldest first, and the preferences that the user stated in it.

    Only the beginning `at` is known of an imported conversation. Turn n is put n milliseconds after it and
    its feedback microseconds after that, so that order by time is the order of the talk, and a conversation
    that grew keeps the times of its old turns. Raises ValueError.
    """

    id: str
    at: datetime
    source: str
    turns: tuple[Turn, ...]
    tools: tuple[Mapping[str, Json], ...] = ()
    statements: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a conversation needs an id")
        if "\0" in self.id:
            raise ValueError("a conversation's id holds a NUL")
        if self.at.tzinfo is None:
            raise ValueError(f"the time {self.at.isoformat()} names no time zone")
        if any(not statement.strip() for statement in self.statements):
            raise ValueError("a stated preference is empty")
        for number, turn in enumerate(self.turns):
            if (turn.feedback or turn.revision) and not self._is_completion(number):
                raise ValueError(
                    f"message {number + 1} ({turn.message.role}) is no answer, and has feedback or a revision"
                )

    def _is_completion(self, number: int) -> bool:
        """A greeting before anybody asked is part of later prompts, not a completion."""
        return self.turns[number].message.role == "assistant" and any(
            turn.message.role != "system" for turn in self.turns[:number]
        )

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(turn.message for turn in self.turns)

    def _answers(self) -> Iterator[tuple[Turn, Interaction]]:
        messages = self.messages
        ids = chain_ids(messages)
        tools = tools_id(self.tools) if self.tools else None
        for number, turn in enumerate(self.turns):
            if self._is_completion(number):
                yield (
                    turn,
                    Interaction(
                        id=turn_id(
                            conversation=self.id, completion=ids[number], tools=tools, revision=turn.revision
                        ),
                        conversation=self.id,
                        at=self.at + timedelta(milliseconds=number),
                        source=self.source,
                        prompt=messages[:number],
                        completion=turn.message,
                        tools=self.tools,
                        revision=turn.revision,
                    ),
                )

    def interactions(self) -> Iterator[Interaction]:
        """One for each completion, in order, under its derived id."""
        return (interaction for _, interaction in self._answers())

    def feedback(self) -> Iterator[Feedback]:
        """What was done to each completion, in order, under its derived id; statements are not among it."""
        for turn, interaction in self._answers():
            for place, act in enumerate(turn.feedback, start=1):
                yield with_id(
                    Feedback(
                        id="",
                        kind=act.kind,
                        at=interaction.at + timedelta(microseconds=place),
                        interaction=interaction.id,
                        conversation=self.id,
                        reason=act.reason,
                        content=act.content,
                        tool_calls=act.tool_calls,
                        over=act.over,
                    )
                )

    def stated(self) -> Iterator[Feedback]:
        """The stated preferences, in order, under their derived ids."""
        for place, statement in enumerate(self.statements):
            yield with_id(
                Feedback(
                    id="",
                    kind=FeedbackKind.PREFERENCE,
                    at=self.at + timedelta(microseconds=place),
                    conversation=self.id,
                    content=statement,
                )
            )
