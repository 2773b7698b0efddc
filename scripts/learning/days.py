"""A day of a person's conversations as the rows that trl's trainers take.

Read from the raw acts alone, as somebody would who has a log and trl and nothing else: an edit, a pick and an
up give a demonstration; an edit and a pick give pairs. What is stated in words, and what a "no, shorter
please" means, is in none of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from persona.template import Template
from store.records import Message, ToolCall


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One wanted answer, and the ones that it was preferred to."""

    prompt: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...]
    wanted: Message
    over: tuple[Message, ...] = ()


def shown(lines: Iterable[Mapping[str, Any]]) -> Iterator[Shown]:
    """What the conversations of a day show, in the interchange format and its order."""
    for line in lines:
        before: list[Message] = []
        for plain in line["messages"]:
            message = _message(plain)
            for act in plain.get("feedback", ()):
                wanted, over = _meant(message, act)
                if wanted is not None:
                    yield Shown(
                        prompt=tuple(before), tools=tuple(line.get("tools", ())), wanted=wanted, over=over
                    )
            before.append(message)


def demonstrations(days: Iterable[Shown], template: Template) -> list[dict[str, str]]:
    """Rows of "prompt" and "completion", rendered by the template that serves."""
    rows = []
    for each in days:
        prompt, completion = template.render_completion(each.prompt, each.tools, each.wanted)
        rows.append({"prompt": prompt, "completion": completion})
    return rows


def pairs(days: Iterable[Shown], template: Template) -> list[dict[str, str]]:
    """Rows of "prompt", "chosen" and "rejected"."""
    rows = []
    for each in days:
        prompt, chosen = template.render_completion(each.prompt, each.tools, each.wanted)
        for other in each.over:
            _, rejected = template.render_completion(each.prompt, each.tools, other)
            if rejected != chosen:
                rows.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    return rows


def _meant(message: Message, act: Mapping[str, Any]) -> tuple[Message | None, tuple[Message, ...]]:
    match act["kind"]:
        case "edit":
            return _message({"role": "assistant", **act}), (message,)
        case "pick":
            return message, tuple(Message(role="assistant", content=text) for text in act["over"])
        case "up":
            return message, ()
    return None, ()


def _message(plain: Mapping[str, Any]) -> Message:
    calls = tuple(
        ToolCall(
            id=call.get("id", ""),
            name=call["function"]["name"],
            arguments=json.loads(call["function"]["arguments"]),
        )
        for call in plain.get("tool_calls", ())
    )
    return Message(
        role=plain["role"],
        content=plain.get("content", ""),
        tool_calls=calls,
        tool_call_id=plain.get("tool_call_id"),
    )
