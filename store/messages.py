"""Message trees and tool sets, each text stored once under the name of its content.

Invariant: a stored message has all its ancestors stored, so one id, that of its last, names them all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from store.database import Database
from store.errors import StoreDamaged
from store.identity import tools_id
from store.json_forms import dumps, tool_calls_from_json, tool_calls_json
from store.records import Json, Message, Origin

_SAID = "SELECT message FROM said WHERE conversation = ? AND message IN (SELECT value FROM json_each(?))"

_ANCESTORS = """
    WITH RECURSIVE line(id) AS (
        SELECT value FROM json_each(?)
        UNION
        SELECT messages.parent FROM messages JOIN line USING (id) WHERE messages.parent IS NOT NULL
    )
    SELECT messages.* FROM messages JOIN line USING (id)
"""


def add_chain(database: Database, conversation: str, ids: Sequence[str], messages: Sequence[Message]) -> int:
    """Store messages that follow one another, the first opening the conversation; the number of new ones.

    `ids` are their chain_ids.
    """
    rows = database.rows(_SAID, (conversation, dumps(ids)))
    said = {row["message"] for row in rows}
    new = 0
    for place, message in enumerate(messages):
        if ids[place] in said:
            continue
        new += database.insert(
            "messages",
            {
                "id": ids[place],
                "parent": ids[place - 1] if place else None,
                "role": message.role,
                "origin": message.origin.value,
                "content": message.content,
                "tool_calls": dumps(tool_calls_json(message.tool_calls)),
                "tool_call_id": message.tool_call_id,
            },
        )
        database.insert("said", {"conversation": conversation, "message": ids[place]})
    return new


def read_message(row: sqlite3.Row) -> Message:
    return Message(
        role=row["role"],
        origin=Origin(row["origin"]),
        content=row["content"],
        tool_calls=tool_calls_from_json(json.loads(row["tool_calls"])),
        tool_call_id=row["tool_call_id"],
    )


def chains(database: Database, ends: Iterable[str]) -> dict[str, tuple[Message, ...]]:
    """For each id of a message, the messages from the opening of its conversation to itself."""
    ends = list(ends)
    found: dict[str, tuple[str | None, Message]] = {
        row["id"]: (row["parent"], read_message(row)) for row in database.rows(_ANCESTORS, (dumps(ends),))
    }
    lines: dict[str, tuple[Message, ...]] = {}
    for end in ends:
        line: list[Message] = []
        at: str | None = end
        while at is not None:
            if at not in found or len(line) > len(found):
                raise StoreDamaged(database.path, f"the messages before {end} are not whole")
            at, message = found[at]
            line.append(message)
        lines[end] = tuple(reversed(line))
    return lines


def add_tools(database: Database, tools: Sequence[Mapping[str, Json]]) -> str | None:
    """The id of the tool set, None for no tools."""
    if not tools:
        return None
    name = tools_id(tools)
    database.insert("tool_sets", {"id": name, "tools": dumps(tools)})
    return name


def tool_sets(database: Database, ids: Iterable[str]) -> dict[str, tuple[Mapping[str, Json], ...]]:
    rows = database.rows(
        "SELECT id, tools FROM tool_sets WHERE id IN (SELECT value FROM json_each(?))", (dumps(list(ids)),)
    )
    return {row["id"]: tuple(json.loads(row["tools"])) for row in rows}
