"""The labelled log has the numbers that its README promises, and is no easy one."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from sample_files import ROOT
from turn_logs import QUOTING_NOTHING, SHOWN_BY_THE_NEXT_MESSAGE, labels, log, reply

LOG = log("labelled_turns.jsonl")


def test_the_log_is_as_large_and_as_mixed_as_its_readme_says() -> None:
    """Enough of every kind and language, and the README's table counts them."""
    kinds = Counter(label["kind"] for _, label in labels(LOG))
    languages = Counter(row["language"] for row, _ in labels(LOG))
    assert 320 <= kinds.total()
    assert 90 <= kinds["correction"]
    assert 120 <= kinds["none"]
    assert all(kinds[kind] >= 10 for kind in SHOWN_BY_THE_NEXT_MESSAGE | QUOTING_NOTHING)
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
    replies = {reply(row, label["turn"]).casefold() for row, label in labels(LOG) if label["kind"] == "none"}
    assert any(re.search(rf"\b{word}\b", reply) for reply in replies)


def test_most_corrections_do_without_a_no() -> None:
    """A detector of the word "no" alone would miss most of them."""
    plain = [
        row["id"]
        for row, label in labels(LOG)
        if label["kind"] == "correction"
        and not re.match(r"(no|nein|non|nao|não|ma no)\b", reply(row, label["turn"]).casefold())
    ]
    corrections = sum(label["kind"] == "correction" for _, label in labels(LOG))
    assert len(plain) > 0.7 * corrections
