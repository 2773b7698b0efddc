"""What the judge makes of a reply: it vetoes what rules find, and finds what no rule knows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from exchange_parts import TURNS, answered, by_rules, exchange, found, said
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.distill.detectors import Exchange, detect
from persona.distill.detectors.judge import CORRECTION, heard_reply, judged_reply, scales
from persona.distill.detectors.traits import traits

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))


def talk(request: str, answer: str, reply: str) -> Exchange:
    return exchange(
        said(reply), answered("Well."), said("And?"), prompt=(said(request),), completion=answered(answer)
    )


def test_the_judge_vetoes_what_a_rule_finds() -> None:
    """Words that the rules take for a correction, in a reply that says nothing of the answer."""
    given_exchange = talk(
        "how many ounces in a pound", "16 ounces.", "no, i knew that... is it the same for gold?"
    )
    assert "follow_up" in by_rules(given_exchange)
    assert "follow_up" not in found(given_exchange)


def test_the_judge_finds_what_no_rule_knows_and_quotes_it() -> None:
    """The span is the user's own sentence."""
    given_exchange = talk(
        "Write a toast for my brother Ali, two sentences",
        "Dear guests! We are here. Raise your glasses. To Ali!",
        "you wrote four sentences",
    )
    heard = heard_reply(given_exchange)
    assert heard is not None
    assert not heard.ruled
    (finding,) = [each for each in detect(given_exchange) if each.detector == "follow_up"]
    assert ("you wrote four sentences", 0) == (finding.span, finding.place)
    assert finding.correction is not None
    assert finding.span == finding.correction.span


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("you wrote four sentences:\n\nA cat. A hat.", "A cat."),
        ("My boss says you wrote four sentences", "A cat."),
        ("you wrote four sentences", "Which one do you mean?"),
        ("try again", "A cat."),
        ("never mind", "A cat."),
    ],
)
def test_no_weight_opens_what_is_closed(reply: str, answer: str) -> None:
    """Pasted text, what others say, answers to a question, another try, giving up: guards come first."""
    judgement = judged_reply(talk("Write a poem of four lines about my cat.", answer, reply))
    assert judgement is not None
    assert judgement.correcting is None
    assert not judgement.restates


def test_the_same_frame_around_another_word_is_no_restatement() -> None:
    """The weather elsewhere is another request; the same one in other words is not."""
    assert "restated" not in found(
        talk("How do I undo the last commit?", "A commit is kept.", "How do I undo the last merge?")
    )
    assert "restated" in found(
        talk(
            "how do i keep slugs off my lettuce",
            "Lettuce is a leafy vegetable.",
            "what keeps slugs away from lettuce in the garden?",
        )
    )


anything = st.text(max_size=200) | st.sampled_from(
    [reply for part in TURNS.values() for replies in part.values() for reply in replies]
)


@settings(max_examples=60, deadline=None)
@given(request=anything, answer=anything, reply=anything)
def test_no_text_makes_the_judge_raise(request: str, answer: str, reply: str) -> None:
    """It weighs every text, twice alike, and quotes nothing that was not said."""
    given_exchange = talk(request, answer, reply)
    heard, judgement = heard_reply(given_exchange), judged_reply(given_exchange)
    assert heard is not None
    if heard.sentences:
        assert traits(heard) == traits(heard)
        assert scales()[CORRECTION].sum_of(traits(heard)) < 1e6
    if judgement is not None and judgement.correcting is not None:
        assert all(sentence in heard.sentences for sentence in judgement.correcting.sentences)


def test_the_weights_are_those_that_the_script_learns() -> None:
    """From the logs as they are now."""
    import fit_detectors as fit

    learnt = fit.learnt(fit.all_rows(), fit.source())
    kept = json.loads(fit.WEIGHTS.read_text(encoding="utf-8"))
    assert learnt["log"] == kept["log"], "scripts/fit_detectors --write"
    assert learnt["kinds"].keys() == kept["kinds"].keys()
    for name in learnt["weights"].keys() | kept["weights"].keys():
        assert learnt["weights"].get(name, [0.0, 0.0]) == pytest.approx(
            kept["weights"].get(name, [0.0, 0.0]), abs=0.03
        ), name
    for kind, one in kept["kinds"].items():
        assert learnt["kinds"][kind] == pytest.approx(one, abs=0.1)
    assert fit.WEIGHTS.stat().st_size < 300_000
