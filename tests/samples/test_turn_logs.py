"""Both logs by other authors have the form that their README promises, and their spans are really there."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from sample_files import read_call
from turn_logs import QUOTING_NOTHING, SHOWN_BY_THE_NEXT_MESSAGE, Row, labels, log, reply

_MAY_FOLLOW = {
    "": {"user"},
    "user": {"assistant"},
    "assistant": {"user", "tool"},
    "tool": {"user", "assistant"},
}


@pytest.fixture(scope="module", params=["labelled_turns.jsonl", "second_turns.jsonl", "third_turns.jsonl"])
def rows(request: pytest.FixtureRequest) -> list[Row]:
    return log(request.param)


def test_every_line_has_the_documented_form(rows: list[Row]) -> None:
    """Known keys only, unique ids, roles in a possible order, no word of a template."""
    ids = [row["id"] for row in rows]
    assert sorted(set(ids)) == sorted(ids)
    for row in rows:
        assert set(row) - {"tools"} == {"id", "language", "messages", "labels"}, row["id"]
        roles = ["", *(message["role"] for message in row["messages"])]
        assert all(after in _MAY_FOLLOW[before] for before, after in pairwise(roles)), row["id"]
        assert not re.search(r"<\|im_|</?tool_", json.dumps(row)), row["id"]


def test_every_assistant_message_has_exactly_one_label(rows: list[Row]) -> None:
    """The labels are about all answers and calls, each once, in order."""
    for row in rows:
        turns = [i for i, message in enumerate(row["messages"]) if message["role"] == "assistant"]
        assert turns == [label["turn"] for label in row["labels"]], row["id"]


def test_spans_are_words_of_the_user_that_follow_the_answer(rows: list[Row]) -> None:
    """A label that the user's next message shows quotes it exactly; the other labels quote nothing."""
    for row, label in labels(rows):
        assert {"turn", "kind", "span"} == set(label), row["id"]
        if label["kind"] in SHOWN_BY_THE_NEXT_MESSAGE:
            assert label["span"], (row["id"], label)
            assert label["span"] in reply(row, label["turn"]), (row["id"], label)
        else:
            assert label["kind"] in QUOTING_NOTHING, (row["id"], label)
            assert "" == label["span"], (row["id"], label)


def test_labels_agree_with_what_stands_around_them(rows: list[Row]) -> None:
    """Adopted spans are in the answer, retried ones in an earlier request; abandoned answers end it."""
    for row, label in labels(rows):
        messages, turn, span = row["messages"], label["turn"], label["span"].casefold()
        before = [message["content"].casefold() for message in messages[:turn] if message["role"] == "user"]
        others = {other["kind"] for other in row["labels"] if other is not label}
        match label["kind"]:
            case "adopted":
                assert span in messages[turn]["content"].casefold(), row["id"]
            case "retried":
                assert any(span in text for text in before), row["id"]
            case "restated":
                assert all(span not in text for text in before), row["id"]
            case "abandoned":
                assert len(messages) - 1 == turn, row["id"]
                assert others & {"correction", "retried", "restated"}, row["id"]
            case "tool_ok" | "tool_error" as kind:
                assert messages[turn]["tool_calls"], row["id"]
                assert "tool" == messages[turn + 1]["role"], row["id"]
                returned = messages[turn + 1]["content"].lstrip('{" ')
                assert kind == "tool_error" or not returned.startswith("error"), row["id"]


def test_calls_name_tools_on_offer_and_results_name_calls(rows: list[Row]) -> None:
    """What is called was offered; a result answers the call before it."""
    for row in rows:
        offered = {tool["function"]["name"] for tool in row.get("tools", ())}
        made: list[str] = []
        for message in row["messages"]:
            for call in message.get("tool_calls", ()):
                assert read_call(call)[0] in offered, row["id"]
                made.append(call["id"])
            if message["role"] == "tool":
                assert made[-1] == message["tool_call_id"], row["id"]
