"""Puts what happened in a day into conversations of the interchange format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from store.records import Message, ToolCall

if TYPE_CHECKING:
    from people.person import Ask

FIRST_DAY = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
_BETWEEN = timedelta(minutes=45)

Act = Literal["edit", "pick", "up", "down", "nudge", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """One request, the model's answer, what the person wanted instead (None: they do not say), and the act.

    pick, up: the wanted answer was the model's own. nudge: the person says in a message what is amiss, and
    thanks for the second answer.
    """

    ask: Ask
    act: str
    draft: Message
    wanted: Message | None


def conversations(
    talks: Sequence[Talk], *, name: str, night: int, said: Sequence[str], complaint: str, nudge: str
) -> list[dict[str, Any]]:
    """One line each, in order of time; `said` are stated preferences, uttered in the first."""
    lines = []
    for place, talk in enumerate(talks, start=1):
        line: dict[str, Any] = {
            "id": f"{name}-{place:02d}",
            "at": f"{FIRST_DAY + timedelta(days=night - 1) + place * _BETWEEN:%Y-%m-%dT%H:%M:%SZ}",
            "source": "import:people",
        }
        if talk.ask.prompt.tools:
            line["tools"] = [dict(tool) for tool in talk.ask.prompt.tools]
        before = [spoken(message) for message in talk.ask.prompt.messages]
        line["messages"] = before + _answered(talk, complaint, nudge)
        if said and place == 1:
            line["preferences"] = [{"statement": statement} for statement in said]
        lines.append(line)
    return lines


def _answered(talk: Talk, complaint: str, nudge: str) -> list[dict[str, Any]]:
    draft = spoken(talk.draft)
    if talk.wanted is None or talk.act == "none":
        return [draft]
    wanted = spoken(talk.wanted)
    if wanted == draft:
        return [draft | {"feedback": [{"kind": "up"}]}]  # nothing to mend
    match talk.act:
        case "edit":
            given = {key: value for key, value in wanted.items() if key != "role" and value}
            return [draft | {"feedback": [{"kind": "edit", **given}]}]
        case "pick" if not talk.wanted.tool_calls:
            return [wanted | {"feedback": [{"kind": "pick", "over": [talk.draft.content]}]}]
        case "up" | "pick":
            return [wanted | {"feedback": [{"kind": "up"}]}]
        case "down":
            return [draft | {"feedback": [{"kind": "down", "reason": complaint}]}]
        case "nudge":
            return [draft, {"role": "user", "content": nudge}, wanted, {"role": "user", "content": "Thanks."}]
    raise ValueError(f"unknown act {talk.act!r}")


def spoken(message: Message) -> dict[str, Any]:
    """A message in the interchange format."""
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    return {
        "id": call.id or "call-1",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
