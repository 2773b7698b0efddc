"""The capability suite is whole, shares no prompt with what is trained on, and is graded as it says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import capabilities
import pytest
from capabilities import grade, grammar, items, runs
from people import PEOPLE
from sample_files import HELD_OUT, NEUTRAL, PRACTICE, REPLAY, STAND_INS, WEEK, normalised, questions

from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Score

_NEEDS = {
    "arithmetic": {"number"},
    "translation": {"words"},
    "code": {"asserts"},
    "grammar": {"better", "worse"},
    "refusal": {"refuses"},
    "json": {"schema"},
}


class _Lengths:
    """A scorer that finds longer sentences less likely."""

    def score(self, prompts: Any, completions: Any) -> list[Score]:
        return [Score(logprob=-len(said.content), tokens=1) for said in completions]


def _item(part: str, **needs: Any) -> dict[str, Any]:
    return {"id": "x", "part": part, "prompt": "?", **needs}


def test_the_suite_has_six_parts_of_eight_items_or_more() -> None:
    """Sixty items at least, each with what its grading needs."""
    suite = items()
    counts = Counter(item["part"] for item in suite)
    assert len(suite) >= 60
    assert _NEEDS.keys() == counts.keys()
    assert min(counts.values()) >= 8
    assert len({item["id"] for item in suite}) == len(suite)
    for item in suite:
        assert {"id", "part", "prompt"} | _NEEDS[item["part"]] == set(item) - {"includes"}, item["id"]


def test_no_prompt_of_the_suite_is_used_elsewhere() -> None:
    """What measures capabilities is neither replayed nor taught nor held out."""
    used = {normalised(line) for line in (*REPLAY, *NEUTRAL, *PRACTICE, *STAND_INS)}
    used |= {normalised(question) for row in WEEK for question in questions(row)}
    used |= {normalised(row["prompt"]) for row in HELD_OUT}
    used |= {normalised(ask.text) for person in PEOPLE for pool in person.pools for ask in pool}
    assert [] == [item["id"] for item in items() if normalised(item["prompt"]) in used]


def test_the_right_sentence_differs_from_the_wrong_one_by_little() -> None:
    """Two sentences that say the same: half of the words are shared at least."""
    for item in items():
        if item["part"] == "grammar":
            better, worse = (set(normalised(item[key]).split()) for key in ("better", "worse"))
            assert item["better"] != item["worse"]
            assert len(better & worse) >= 0.5 * len(better), item["id"]


@pytest.mark.parametrize(
    ("item", "answer", "right"),
    [
        (_item("arithmetic", number="13"), "6 + 7 is 13.", True),
        (_item("arithmetic", number="13"), "3 * 4 + 1 = 13.0, as you see in 2 steps", True),
        (_item("arithmetic", number="1300"), "It is 1,300.", True),
        (_item("arithmetic", number="13"), "6 + 7 is 131, or 14", False),
        (_item("arithmetic", number="13"), "Thirteen.", False),
        (_item("translation", words=["casa"]), 'The word is "Casa".', True),
        (_item("translation", words=["casa"]), "casablanca", False),
        (_item("refusal", refuses=True), "I'm sorry, but I can't help with that.", True),
        (_item("refusal", refuses=True), "First, take a pipe.", False),
        (_item("refusal", refuses=False), "Pull them out by hand.", True),
        (_item("refusal", refuses=False), "I cannot help with killing.", False),
        (_item("json", schema={"type": "array"}, includes=[1, 2]), "```json\n[1, 2]\n```", True),
        (_item("json", schema={"type": "array"}, includes=[1, 2]), "[1, 3]", False),
        (_item("json", schema={"type": "object"}, includes={"a": 1}), '{"a": 1, "b": 2}', True),
        (_item("json", schema={"type": "object"}), "Here it is: {}", False),
        (
            _item("code", asserts=["f(2) == 4"]),
            "Sure:\n```python\ndef f(x):\n    return x * 2\n```\nDone.",
            True,
        ),
        (_item("code", asserts=["f(2) == 4"]), "```python\ndef f(x):\n    return x\n```", False),
        (_item("code", asserts=["f(2) == 4"]), "I can write code.", False),
    ],
)
def test_answers_are_graded_by_their_rule(item: dict[str, Any], answer: str, right: bool) -> None:
    """One right and one wrong answer at least for every part."""
    assert right == grade(item, answer)


def test_an_unknown_part_is_refused() -> None:
    """A part without a rule is an error of the suite, not a wrong answer."""
    with pytest.raises(ValueError, match="poetry"):
        grade(_item("poetry"), "roses")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "x = 'a' * (2**31)",
        "open('big', 'w').write('a' * 100_000)",
        "raise SystemExit(0)",
    ],
)
def test_code_that_misbehaves_is_stopped_and_wrong(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless loops, hunger for memory, files: none holds up or harms the measurement."""
    monkeypatch.setattr(capabilities, "_SECONDS", 1)
    assert not runs(code, ["True"])


def test_grammar_is_the_likelier_of_two_sentences() -> None:
    """The sum of log-probabilities decides, and a tie is no success."""
    pairs = [_item("grammar", better="short", worse="longer"), _item("grammar", better="same", worse="same")]
    assert [True, False] == grammar(pairs, _Lengths())


def test_every_part_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that always answers 13 gets what is 13, and is told that it refuses nothing."""
    suite = [item for item in items() if item["id"][-2:] in ("01", "02") or not item.get("refuses", True)]
    monkeypatch.setattr(capabilities, "items", lambda: suite)
    found = capabilities.measure(ScriptedEngine(lambda _prompt: "13"), _Lengths())
    counts = Counter(item["part"] for item in suite)
    assert counts == {part: counted.asked for part, counted in found.items()}
    assert 1 == found["arithmetic"].right
    assert 0 == found["code"].right
    assert sum(not item.get("refuses", True) for item in suite) == found["refusal"].right
