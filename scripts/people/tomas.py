"""Tomas: three tools, each with his usual arguments, and a base that takes one tool for another.

He lives in Graz, likes the quiet car, plans 45 minutes for everything, and keeps his tasks in one list.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from people.files import recorded, rows, tools
from people.person import Ask, Person, Wish
from persona.checker import ToolArgument, ToolChoice
from persona.engine.protocol import Prompt
from store.records import Message, ToolCall

_TOOLS = tools("tomas_tools.json")
_PROSE = 0.2  # of the drafts are what the base really says: it does not call tools by itself


def _ask(row: Mapping[str, Any]) -> Ask:
    call = row["call"]
    return Ask(
        prompt=Prompt(messages=(Message(role="user", content=row["prompt"]),), tools=_TOOLS),
        call=None if call is None else ToolCall(name=call["name"], arguments=call["arguments"]),
    )


def _calling(name: str, arguments: Mapping[str, Any]) -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(name=name, arguments=dict(arguments)),))


def _draft(ask: Ask, dice: Random) -> Message:
    """A near miss, as a model makes it that knows the tools and not yet Tomas; sometimes only prose."""
    assert ask.call is not None
    if dice.random() < _PROSE:
        return recorded(ask, dice)
    given = ask.call.arguments
    match ask.call.name:
        case "add_event":
            missed = dice.choice([{"minutes": 60}, {"minutes": 30}, {"title": given["title"].title()}])
            return _calling("add_event", {**given, **missed})
        case "add_task" if dice.random() < 0.6:  # the confusion: a task entered as an appointment
            return _calling("add_event", {"title": given["title"], "day": "today", "minutes": 60})
        case "add_task":
            return _calling("add_task", {**given, "list": dice.choice(["home", "work"])})
        case _:
            missed = dice.choice([{"seat": "any"}, {"origin": "Vienna"}, {"origin": "Vienna", "seat": "any"}])
            return _calling("find_trains", {**given, **missed})


def _rework(ask: Ask, _text: str, _night: int, _dice: Random) -> Message:
    assert ask.call is not None
    return _calling(ask.call.name, ask.call.arguments)


_ASKS = tuple(map(_ask, rows("tomas.jsonl")))

# What neither he nor the comparison asks: with the call that he would want, or talk that wants none.
BESIDE = tuple(map(_ask, rows("tomas_beside.jsonl")))

TOMAS = Person(
    id="tomas",
    about="three tools with usual arguments, and tasks that the model takes for appointments",
    language="en",
    wishes=(
        Wish(
            statement="Appointments take 45 minutes.",
            checker=ToolArgument(tool="add_event", argument="minutes", value=45),
        ),
        Wish(
            statement="Tasks go to the inbox.",
            checker=ToolArgument(tool="add_task", argument="list", value="inbox"),
        ),
        Wish(
            statement="What is to be done is a task, not an appointment.",
            checker=ToolChoice(tool="add_task", instead_of="add_event"),
        ),
        Wish(
            statement="Trains leave from Graz.",
            checker=ToolArgument(tool="find_trains", argument="origin", value="Graz"),
        ),
        Wish(
            statement="Trains with a seat in the quiet car.",
            checker=ToolArgument(tool="find_trains", argument="seat", value="quiet"),
        ),
    ),
    rework=_rework,
    draft=_draft,
    pools=tuple(
        tuple(ask for ask in _ASKS if ask.call and ask.call.name == name)
        for name in ("add_event", "add_task", "find_trains")
    ),
    held_out_asks=tuple(map(_ask, rows("tomas_held_out.jsonl"))),
    besides=("up", "up"),
)
