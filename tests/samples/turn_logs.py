"""The labelled logs of turns, as their tests read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sample_files import ROOT

Row = dict[str, Any]

SHOWN_BY_THE_NEXT_MESSAGE = {"correction", "restated", "retried", "thanks", "adopted", "stated"}
QUOTING_NOTHING = {"abandoned", "tool_ok", "tool_error", "none"}


def log(name: str) -> list[Row]:
    return [json.loads(line) for line in (ROOT / "samples" / name).read_text("utf-8").splitlines()]


def labels(rows: list[Row]) -> Iterator[tuple[Row, dict[str, Any]]]:
    for row in rows:
        for label in row["labels"]:
            yield row, label


def reply(row: Row, turn: int) -> str:
    """What the user wrote right after this answer, or after the tool's result that follows it; or ""."""
    following = [message for message in row["messages"][turn + 1 :] if message["role"] != "tool"]
    return following[0]["content"] if following and following[0]["role"] == "user" else ""
