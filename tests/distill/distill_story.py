"""Tells a store what happened, in few words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from persona.distill import Distilled, distill
from store import Act, Conversation, Store, Turn
from store.records import Example, FeedbackKind, Interaction, Json, Message, PreferencePair, ToolCall

DAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NOW = DAY + timedelta(days=30)
UP = Act(kind=FeedbackKind.UP)
DOWN = Act(kind=FeedbackKind.DOWN, reason="dull")


def edit(content: str) -> Act:
    return Act(kind=FeedbackKind.EDIT, content=content)


def pick(*over: str) -> Act:
    return Act(kind=FeedbackKind.PICK, over=over)


def correction(content: str) -> Act:
    return Act(kind=FeedbackKind.CORRECTION, content=content)


def call(name: str, **arguments: Json) -> ToolCall:
    return ToolCall(name=name, arguments=arguments)


def corrected(name: str, **arguments: Json) -> Act:
    return Act(kind=FeedbackKind.EDIT, tool_calls=(call(name, **arguments),))


def tool(name: str, **properties: Json) -> dict[str, Json]:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


WEATHER = tool(
    "get_weather", city={"type": "string"}, units={"type": "string", "enum": ["metric", "imperial"]}
)


def user(content: str) -> Turn:
    return Turn(message=Message(role="user", content=content))


def answer(content: str, *acts: Act) -> Turn:
    return Turn(message=Message(role="assistant", content=content), feedback=acts)


def calling(made: ToolCall, *acts: Act) -> Turn:
    return Turn(message=Message(role="assistant", tool_calls=(made,)), feedback=acts)


def result(content: str) -> Turn:
    return Turn(message=Message(role="tool", content=content, tool_call_id="k"))


@dataclass
class Story:
    """Every talk is a conversation of its own, an hour after the one before unless a day is given."""

    store: Store
    told: int = field(default=0)

    def talk(
        self,
        *turns: Turn,
        day: float | None = None,
        tools: Iterable[dict[str, Json]] = (),
        says: Iterable[str] = (),
        name: str | None = None,
    ) -> str:
        self.told += 1
        at = DAY + (timedelta(hours=self.told) if day is None else timedelta(days=day))
        conversation = Conversation(
            id=name or f"c-{self.told}",
            at=at,
            source="test",
            turns=turns,
            tools=tuple(tools),
            statements=tuple(says),
        )
        self.store.interactions.add_conversation(conversation)
        return conversation.id

    def say(self, *statements: str, day: float | None = None) -> str:
        return self.talk(day=day, says=statements)

    def asked(self, prompt: str, completion: str, *acts: Act, day: float | None = None) -> str:
        return self.talk(user(prompt), answer(completion, *acts), day=day)

    def distill(self, **options: float) -> Distilled:
        return distill(self.store, now=NOW, **options)

    def learnt(self, distilled: Distilled) -> list[Example]:
        return self.store.examples.get((*distilled.snapshot.train, *distilled.snapshot.held_out))

    def interactions(self) -> list[Interaction]:
        return list(self.store.interactions.all())


def shown(example: Example) -> str | tuple[str, str]:
    """A demonstration's completion, or a pair's two sides."""
    if isinstance(example, PreferencePair):
        return text(example.chosen), text(example.rejected)
    return text(example.completion)


def text(message: Message) -> str:
    calls = (f"{made.name}({dict(made.arguments)})" for made in message.tool_calls)
    return message.content or "; ".join(calls)
