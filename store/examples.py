"""What a build learns from: demonstrations and preference pairs, each under the name of its content."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from store.database import Database
from store.identity import check_id
from store.json_forms import dumps, example_from_json, example_json
from store.records import Example


class Examples:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, examples: Iterable[Example]) -> int:
        """The number of new ones; all or none. Raises WrongId, and UnknownId for the signals and preferences
        that they name."""
        with self._database.transaction():
            return sum([self._add(example) for example in examples])

    def _add(self, example: Example) -> bool:
        check_id(example, "example")
        self._database.require("signals", "signal", *example.signals)
        self._database.require("preferences", "preference", *example.preferences)
        return self._database.insert(
            "examples",
            {"id": example.id, "conversation": example.conversation, "body": dumps(example_json(example))},
        )

    def get(self, ids: Iterable[str]) -> list[Example]:
        """In the order asked. Raises UnknownId."""
        return [_example(row) for row in self._database.asked("examples", "example", ids)]

    def all(self) -> list[Example]:
        """Ordered by id."""
        return [_example(row) for row in self._database.rows("SELECT * FROM examples ORDER BY id")]


def _example(row: sqlite3.Row) -> Example:
    return example_from_json(row["id"], json.loads(row["body"]))
