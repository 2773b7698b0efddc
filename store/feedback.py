"""The raw acts of the user."""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

import json
import sqlite3

from store.database import Database, SqlValue
from store.errors import Unstorable
from store.identity import check_id
from store.json_forms import dumps, instant, instant_text, tool_calls_from_json, tool_calls_json
from store.records import Feedback, FeedbackKind


class FeedbackTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, feedback: Feedback) -> bool:
        """False when the same act was there. Raises WrongId, Unstorable, UnknownId for its interaction."""
        check_id(feedback, "feedback")
        if feedback.interaction is None and feedback.kind is not FeedbackKind.PREFERENCE:
            raise Unstorable(
                f"feedback {feedback.id!r}", f"{feedback.kind} is an act on an interaction, and it names none"
            )
        with self._database.transaction():
            self._database.require("interactions", "interaction", feedback.interaction)
            return self._database.insert(
                "feedback",
                {
                    "id": feedback.id,
                    "kind": feedback.kind.value,
                    "at": instant_text(feedback.at),
                    "interaction": feedback.interaction,
                    "conversation": feedback.conversation,
                    "reason": feedback.reason,
                    "content": feedback.content,
                    "tool_calls": dumps(tool_calls_json(feedback.tool_calls)),
                    "over": dumps(feedback.over),
                },
            )

    def all(
        self,
        *,
        interaction: str | None = None,
        conversation: str | None = None,
        kind: FeedbackKind | None = None,
    ) -> list[Feedback]:
        """Ordered by (at, id). `conversation` finds acts on its interactions and what was stated in it."""
        conditions: list[str] = []
        values: list[SqlValue] = []
        if interaction is not None:
            conditions.append("interaction = ?")
            values.append(interaction)
        if conversation is not None:
            conditions.append(
                "(conversation = ? OR interaction IN (SELECT id FROM interactions WHERE conversation = ?))"
            )
            values += [conversation, conversation]
        if kind is not None:
            conditions.append("kind = ?")
            values.append(kind.value)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"SELECT * FROM feedback {where} ORDER BY at, id"
        return [read_feedback(row) for row in self._database.rows(sql, values)]

    def votes(self) -> dict[str, tuple[int, int]]:
        """Ups and downs by the revision that answered; of an answer the last vote counts."""
        rows = self._database.rows(_VOTES)
        return {row["revision"]: (row["ups"], row["downs"]) for row in rows}


_VOTES = """
    SELECT interactions.revision AS revision, sum(kind = 'up') AS ups, sum(kind = 'down') AS downs
    FROM (
        SELECT interaction, kind,
            row_number() OVER (PARTITION BY interaction ORDER BY at DESC, id DESC) AS place
        FROM feedback WHERE kind IN ('up', 'down')
    ) AS last JOIN interactions ON interactions.id = last.interaction
    WHERE place = 1 AND interactions.revision IS NOT NULL GROUP BY interactions.revision
"""


def read_feedback(row: sqlite3.Row) -> Feedback:
    return Feedback(
        id=row["id"],
        kind=FeedbackKind(row["kind"]),
        at=instant(row["at"]),
        interaction=row["interaction"],
        conversation=row["conversation"],
        reason=row["reason"],
        content=row["content"],
        tool_calls=tool_calls_from_json(json.loads(row["tool_calls"])),
        over=tuple(json.loads(row["over"])),
    )
