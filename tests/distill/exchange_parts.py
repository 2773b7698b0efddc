"""Exchanges in few words, and the replies of the six languages."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

from persona.distill.detectors import Exchange, detect
from persona.distill.detectors.judge import heard_reply
from store.records import Interaction, Json, Message, Origin, ToolCall

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
REQUEST = "Tell me about sloops and their history."
ANSWER = "A sloop is a boat with one mast."
TURNS = tomllib.loads((Path(__file__).parent / "detector_turns.toml").read_text(encoding="utf-8"))
# What only says how a call ended makes no example and no preference.
FACTS = {"tool_ok", "tool_empty", "tool_error", "tool_fixed", "call_accepted"}


def said(content: str, origin: Origin | None = None) -> Message:
    return Message(role="user", content=content, **({} if origin is None else {"origin": origin}))


def answered(content: str, *calls: ToolCall) -> Message:
    return Message(role="assistant", content=content, tool_calls=calls)


def returned(content: str) -> Message:
    return Message(role="tool", content=content, tool_call_id="k")


def call(name: str, **arguments: Json) -> ToolCall:
    return ToolCall(name=name, arguments=arguments)


def exchange(
    *after: Message,
    prompt: tuple[Message, ...] = (said(REQUEST),),
    completion: Message = answered(ANSWER),  # noqa: B008  # frozen
    others: tuple[Message, ...] = (),
    edits: tuple[Message, ...] = (),
) -> Exchange:
    interaction = Interaction(
        id="i-1", conversation="c", at=AT, source="test", prompt=prompt, completion=completion
    )
    return Exchange(interaction=interaction, after=after, others=others, edits=edits)


def found(given: Exchange) -> set[str]:
    """The detectors that found something."""
    return {finding.detector.value for finding in detect(given)}


def by_rules(given: Exchange) -> set[str]:
    """What is found where corrections are what the rules take for one, whatever the judge makes of it."""
    heard = heard_reply(given)
    ruled = {"follow_up"} if heard is not None and heard.ruled else set()
    return (found(given) - {"follow_up"}) | ruled


def replied(reply: str, answer: str = ANSWER) -> set[str]:
    """What is found when the user replies so to the answer, and is answered."""
    return found(replying(reply, answer))


def replying(reply: str, answer: str = ANSWER) -> Exchange:
    """The user replies so to the answer, and is answered."""
    return exchange(said(reply), answered("Well."), said("And the mast?"), completion=answered(answer))
