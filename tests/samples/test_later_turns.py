"""The second and the third log keep what their README promises, and share no conversation with the others."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from sample_files import ROOT, normalised, questions
from turn_logs import QUOTING_NOTHING, SHOWN_BY_THE_NEXT_MESSAGE, labels, log, reply

SECOND, THIRD = "second_turns.jsonl", "third_turns.jsonl"


def _section(name: str) -> str:
    """What the README says about this log."""
    readme = (ROOT / "samples/README.md").read_text("utf-8")
    return readme.partition(f"\n# {name}")[2].partition("\n# ")[0]


@pytest.mark.parametrize("name", [SECOND, THIRD])
def test_the_log_is_as_large_and_as_mixed_as_its_readme_says(name: str) -> None:
    """Enough of every kind and language, and both tables of its section count them."""
    rows = log(name)
    kinds = Counter(label["kind"] for _, label in labels(rows))
    languages = Counter(row["language"] for row, _ in labels(rows))
    corrections = Counter(row["language"] for row, label in labels(rows) if label["kind"] == "correction")
    conversations = Counter(row["language"] for row in rows)
    assert 330 <= kinds.total()
    assert 0.2 <= kinds["correction"] / kinds.total() <= 0.3
    assert all(kinds[kind] >= 10 for kind in SHOWN_BY_THE_NEXT_MESSAGE | QUOTING_NOTHING)
    assert 9 <= len(languages)
    assert all(15 <= count for count in languages.values())
    section = _section(name)
    assert f"{len(rows)} conversations" in section
    assert f"{kinds.total()} labelled turns" in section
    for kind, count in kinds.items():
        assert re.search(rf"^\| {kind} \| {count} \|$", section, re.MULTILINE), (kind, count)
    for language, count in languages.items():
        line = f"| {language} | {conversations[language]} | {count} | {corrections[language]} |"
        assert line in section.splitlines(), line


@pytest.mark.parametrize("word", ["wrong", "shorter", "no", "falsch", "nein", "faux", "mal", "fout", "błąd"])
def test_words_of_correction_also_stand_where_nothing_is_corrected(word: str) -> None:
    """No single word gives a correction away: each is in a message that corrects nothing."""
    replies = {
        reply(row, label["turn"]).casefold() for row, label in labels(log(SECOND)) if label["kind"] == "none"
    }
    assert any(re.search(rf"\b{word}\b", reply) for reply in replies)


@pytest.mark.parametrize(
    ("name", "others"),
    [
        (SECOND, ["labelled_turns.jsonl", "development_turns.jsonl"]),
        (THIRD, ["labelled_turns.jsonl", "development_turns.jsonl", SECOND]),
    ],
)
def test_no_conversation_stands_in_another_log(name: str, others: list[str]) -> None:
    """What was developed or measured with elsewhere is not measured with here."""
    known = {tuple(map(normalised, questions(row))) for other in others for row in log(other)}
    assert not known & {tuple(map(normalised, questions(row))) for row in log(name)}
