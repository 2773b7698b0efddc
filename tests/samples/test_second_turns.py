"""The second held-out log keeps what its README promises, and shares no conversation with the others."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from sample_files import ROOT, normalised, questions, read_call

_SHOWN_BY_THE_NEXT_MESSAGE = {"correction", "restated", "retried", "thanks", "adopted", "stated"}
_QUOTING_NOTHING = {"abandoned", "tool_ok", "tool_error", "none"}
_MAY_FOLLOW = {
    "": {"user"},
    "user": {"assistant"},
    "assistant": {"user", "tool"},
    "tool": {"user", "assistant"},
}


def _log(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / "samples" / name).read_text("utf-8").splitlines()]


LOG = _log("second_turns.jsonl")


def _labels() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for row in LOG:
        for label in row["labels"]:
            yield row, label


def _reply(row: dict[str, Any], turn: int) -> str:
    """What the user wrote right after this answer, or after the tool's result that follows it; or ""."""
    following = [message for message in row["messages"][turn + 1 :] if message["role"] != "tool"]
    return following[0]["content"] if following and following[0]["role"] == "user" else ""


def _section() -> str:
    """What the README says about this log."""
    readme = (ROOT / "samples/README.md").read_text("utf-8")
    return readme.partition("\n# second_turns.jsonl")[2].partition("\n# ")[0]


def test_every_line_has_the_documented_form() -> None:
    """Known keys only, ids in a row, roles in a possible order, no word of a template."""
    assert [f"s-{number:03d}" for number in range(1, len(LOG) + 1)] == [row["id"] for row in LOG]
    for row in LOG:
        assert set(row) - {"tools"} == {"id", "language", "messages", "labels"}, row["id"]
        roles = ["", *(message["role"] for message in row["messages"])]
        assert all(after in _MAY_FOLLOW[before] for before, after in pairwise(roles)), row["id"]
        assert not re.search(r"<\|im_|</?tool_", json.dumps(row)), row["id"]


def test_every_assistant_message_has_exactly_one_label() -> None:
    """The labels are about all answers and calls, each once, in order."""
    for row in LOG:
        turns = [i for i, message in enumerate(row["messages"]) if message["role"] == "assistant"]
        assert turns == [label["turn"] for label in row["labels"]], row["id"]


def test_spans_are_words_of_the_user_that_follow_the_answer() -> None:
    """A label that the user's next message shows quotes it exactly; the other labels quote nothing."""
    for row, label in _labels():
        assert {"turn", "kind", "span"} == set(label), row["id"]
        if label["kind"] in _SHOWN_BY_THE_NEXT_MESSAGE:
            assert label["span"], (row["id"], label)
            assert label["span"] in _reply(row, label["turn"]), (row["id"], label)
        else:
            assert label["kind"] in _QUOTING_NOTHING, (row["id"], label)
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


def test_calls_fit_the_tools_on_offer_and_results_name_calls() -> None:
    """What is called was offered, with arguments that it knows; a result answers the call before it."""
    for row in LOG:
        schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in row.get("tools", ())}
        made: list[str] = []
        for message in row["messages"]:
            for call in message.get("tool_calls", ()):
                name, arguments = read_call(call)
                assert set(schemas[name]["required"]) <= set(arguments), row["id"]
                assert set(arguments) <= set(schemas[name]["properties"]), row["id"]
                made.append(call["id"])
            if message["role"] == "tool":
                assert made[-1] == message["tool_call_id"], row["id"]


def test_the_log_is_as_large_and_as_mixed_as_its_readme_says() -> None:
    """Enough of every kind and language, and both tables of its section count them."""
    kinds = Counter(label["kind"] for _, label in _labels())
    languages = Counter(row["language"] for row, _ in _labels())
    corrections = Counter(row["language"] for row, label in _labels() if label["kind"] == "correction")
    conversations = Counter(row["language"] for row in LOG)
    assert 330 <= kinds.total()
    assert 0.25 <= kinds["correction"] / kinds.total() <= 0.3
    assert all(kinds[kind] >= 10 for kind in _SHOWN_BY_THE_NEXT_MESSAGE | _QUOTING_NOTHING)
    assert 9 <= len(languages)
    assert all(15 <= count for count in languages.values())
    section = _section()
    assert f"{len(LOG)} conversations" in section
    assert f"{kinds.total()} labelled turns" in section
    for kind, count in kinds.items():
        assert re.search(rf"^\| {kind} \| {count} \|$", section, re.MULTILINE), (kind, count)
    for language, count in languages.items():
        line = f"| {language} | {conversations[language]} | {count} | {corrections[language]} |"
        assert line in section.splitlines(), line


@pytest.mark.parametrize("word", ["wrong", "shorter", "no", "falsch", "nein", "faux", "mal", "fout", "błąd"])
def test_words_of_correction_also_stand_where_nothing_is_corrected(word: str) -> None:
    """No single word gives a correction away: each is in a message that corrects nothing."""
    replies = {_reply(row, label["turn"]).casefold() for row, label in _labels() if label["kind"] == "none"}
    assert any(re.search(rf"\b{word}\b", reply) for reply in replies)


@pytest.mark.parametrize("name", ["labelled_turns.jsonl", "development_turns.jsonl"])
def test_no_conversation_stands_in_another_log(name: str) -> None:
    """What was developed or measured with elsewhere is not measured with here."""
    others = {tuple(map(normalised, questions(row))) for row in _log(name)}
    assert not others & {tuple(map(normalised, questions(row))) for row in LOG}
