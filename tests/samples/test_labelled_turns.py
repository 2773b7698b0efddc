"""The labelled log has the form and the numbers that its README promises, and its spans are really there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sample_files import ROOT, read_call

_KINDS = {
    "correction", "stated", "adopted", "retried", "restated", "abandoned", "thanks",
    "tool_ok", "tool_error", "none",
}  # fmt: skip
_SHOWN_BY_THE_NEXT_MESSAGE = {"correction", "restated", "retried", "thanks", "adopted", "stated"}
LOG: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "samples/labelled_turns.jsonl").read_text("utf-8").splitlines()
]


def _labels() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for row in LOG:
        for label in row["labels"]:
            yield row, label


def _reply(row: dict[str, Any], turn: int) -> str:
    """What the user wrote right after this answer, or after the tool's result that follows it; or ""."""
    following = [message for message in row["messages"][turn + 1 :] if message["role"] != "tool"]
    return following[0]["content"] if following and following[0]["role"] == "user" else ""


def test_every_line_has_the_documented_form() -> None:
    """Known keys only, unique ids, roles in an order that a conversation can have."""
    ids = [row["id"] for row in LOG]
    assert sorted(set(ids)) == sorted(ids)
    for row in LOG:
        assert set(row) - {"tools"} == {"id", "language", "messages", "labels"}, row["id"]
        assert "user" == row["messages"][0]["role"], row["id"]
        assert {"user", "assistant", "tool"} >= {message["role"] for message in row["messages"]}, row["id"]
        for label in row["labels"]:
            assert {"turn", "kind", "span"} == set(label), row["id"]
            assert label["kind"] in _KINDS, row["id"]


def test_every_assistant_message_has_exactly_one_label() -> None:
    """The labels are about all answers and calls, each once, in order."""
    for row in LOG:
        turns = [i for i, message in enumerate(row["messages"]) if message["role"] == "assistant"]
        assert turns == [label["turn"] for label in row["labels"]], row["id"]


def test_spans_are_words_of_the_user_that_follow_the_answer() -> None:
    """A label that the user's next message shows quotes it exactly; the other labels quote nothing."""
    for row, label in _labels():
        if label["kind"] in _SHOWN_BY_THE_NEXT_MESSAGE:
            assert label["span"], (row["id"], label)
            assert label["span"] in _reply(row, label["turn"]), (row["id"], label)
        else:
            assert "" == label["span"], (row["id"], label)


def test_labels_agree_with_what_stands_around_them() -> None:
    """Adopted spans are in the answer, retried ones in an earlier request; abandoned answers end it."""
    for row, label in _labels():
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
                assert (kind == "tool_error") == messages[turn + 1]["content"].startswith("error"), row["id"]


def test_calls_name_tools_on_offer_and_results_name_calls() -> None:
    """What is called was offered; a result answers the call before it."""
    for row in LOG:
        offered = {tool["function"]["name"] for tool in row.get("tools", ())}
        made: list[str] = []
        for message in row["messages"]:
            for call in message.get("tool_calls", ()):
                assert read_call(call)[0] in offered, row["id"]
                made.append(call["id"])
            if message["role"] == "tool":
                assert made[-1] == message["tool_call_id"], row["id"]


def test_the_log_is_as_large_and_as_mixed_as_its_readme_says() -> None:
    """Enough of every kind and language, and the README's table counts them."""
    kinds = Counter(label["kind"] for _, label in _labels())
    languages = Counter(row["language"] for row, _ in _labels())
    assert 320 <= kinds.total()
    assert 90 <= kinds["correction"]
    assert 120 <= kinds["none"]
    assert all(kinds[kind] >= 10 for kind in _KINDS)
    assert {"en", "de", "fr", "es", "it", "pt"} == languages.keys()
    assert 0.4 <= languages["en"] / languages.total() <= 0.6
    readme = (ROOT / "samples/README.md").read_text("utf-8")
    assert f"{len(LOG)} conversations" in readme
    assert f"{kinds.total()} labelled turns" in readme
    for kind, count in kinds.items():
        assert re.search(rf"^\| {kind} \| {count} \|", readme, re.MULTILINE), (kind, count)


@pytest.mark.parametrize("word", ["wrong", "again", "shorter", "no", "falsch", "faux", "errado"])
def test_words_of_correction_also_stand_where_nothing_is_corrected(word: str) -> None:
    """No single word gives a correction away: each is in a message that corrects nothing."""
    replies = {_reply(row, label["turn"]).casefold() for row, label in _labels() if label["kind"] == "none"}
    assert any(re.search(rf"\b{word}\b", reply) for reply in replies)


def test_most_corrections_do_without_a_no() -> None:
    """A detector of the word "no" alone would miss most of them."""
    plain = [
        row["id"]
        for row, label in _labels()
        if label["kind"] == "correction"
        and not re.match(r"(no|nein|non|nao|não|ma no)\b", _reply(row, label["turn"]).casefold())
    ]
    corrections = sum(label["kind"] == "correction" for _, label in _labels())
    assert len(plain) > 0.7 * corrections


def test_no_turn_carries_markup_of_a_template() -> None:
    """Nothing in a message could pass for the start of a turn, a call or a result."""
    assert [] == [row["id"] for row in LOG if re.search(r"<\|im_|</?tool_", json.dumps(row))]
