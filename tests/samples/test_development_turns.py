"""The log that detectors are developed on: its form, and that it stays what its description says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples"
LOG = [json.loads(line) for line in (SAMPLES / "development_turns.jsonl").read_text("utf-8").splitlines()]
KINDS = {
    "correction", "stated", "adopted", "retried", "restated", "abandoned", "thanks", "tool_ok", "tool_error",
    "none",
}  # fmt: skip


def test_every_answer_has_one_label_of_a_known_kind() -> None:
    """The labels stand at the assistant's messages, in order, and ids are unique."""
    assert len(LOG) == len({talk["id"] for talk in LOG})
    for talk in LOG:
        answers = [place for place, said in enumerate(talk["messages"]) if said["role"] == "assistant"]
        assert answers == [label["turn"] for label in talk["labels"]], talk["id"]
        assert {label["kind"] for label in talk["labels"]} <= KINDS, talk["id"]


def test_a_span_quotes_the_message_that_follows() -> None:
    """Word for word, from what the user said next."""
    for talk in LOG:
        for label in talk["labels"]:
            said = [m["content"] for m in talk["messages"][label["turn"] + 1 :] if m["role"] == "user"]
            assert not label["span"] or label["span"] in said[0], (talk["id"], label)


def test_it_is_as_large_and_as_mixed_as_described() -> None:
    """The counts that the description of the samples gives."""
    kinds = Counter(label["kind"] for talk in LOG for label in talk["labels"])
    assert (706, 2460) == (len(LOG), kinds.total())
    text = (SAMPLES / "README.md").read_text("utf-8")
    counts = f"{len(LOG)} conversations, {kinds.total()} labelled turns"
    assert f"{counts}, {kinds['correction']} corrections" in text
