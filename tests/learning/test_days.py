"""What a chain of trl is given, and what a person thinks of answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import sweep
from learning.asking import JUDGED, Asking, prompt_from_json, prompt_json
from learning.days import demonstrations, pairs, shown
from learning.grading import grade
from learning.measuring import BY_ID
from people import Person

from persona.report import Rate
from persona.template import Template
from store.records import Message

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def template() -> Template:
    """The starter's."""
    return Template((_ROOT / "persona/base/templates/smollm2.jinja").read_text("utf-8"), eos="<|im_end|>")


def test_every_act_that_shows_an_answer_is_a_demonstration(template: Template) -> None:
    """Ends with the end token, as served; a vote down shows none."""
    for person in BY_ID.values():
        for night in (1, 7):
            day = person.teaching(night)
            acts = [a["kind"] for row in day for m in row["messages"] for a in m.get("feedback", ())]
            rows = demonstrations(shown(day), template)
            assert len(rows) == sum(kind != "down" for kind in acts)
            assert all(row["completion"].endswith("<|im_end|>") for row in rows)
            assert all(row["prompt"].endswith("<|im_start|>assistant\n") for row in rows)


def test_pairs_have_two_sides(template: Template) -> None:
    """The wanted one is what the demonstration of its prompt shows."""
    day = BY_ID["nell"].teaching(1)
    wanted = {row["prompt"]: row["completion"] for row in demonstrations(shown(day), template)}
    rows = pairs(shown(day), template)
    assert len(rows) >= 6
    for row in rows:
        assert row["chosen"] == wanted[row["prompt"]]
        assert row["rejected"] != row["chosen"]


def test_tools_and_results_are_in_the_prompt(template: Template) -> None:
    """Tomas shows calls, Hanna answers what tools returned."""
    (tomas, *_) = demonstrations(shown(BY_ID["tomas"].teaching(1)), template)
    assert "find_trains" in tomas["prompt"]
    assert "<tool_call>" in tomas["completion"]
    hanna = demonstrations(shown(BY_ID["hanna"].teaching(1)), template)
    assert any("<tool_response>" in row["prompt"] for row in hanna)


def test_a_prompt_comes_back_equal() -> None:
    """Through the JSON that the judge's process reads."""
    for person in BY_ID.values():
        for asked in person.held_out(1)[:2]:
            assert asked.prompt == prompt_from_json(prompt_json(asked.prompt))


@pytest.mark.parametrize("person", BY_ID.values(), ids=list(BY_ID))
def test_the_sweep_asks_nothing_that_the_comparison_asks(person: Person) -> None:
    """What is chosen by some prompts is proven by others; between them they ask all."""
    judged = Asking(prompts=JUDGED).held_out(person, 7)
    left = Asking(beside=JUDGED).held_out(person, 7)
    assert len(left) >= sweep.FULL["prompts"]
    assert not [each for each in left if each in judged]
    assert len(judged) + len(left) == len(person.held_out(7))


def test_grades_tell_old_preferences_from_new_and_from_given_up_ones() -> None:
    """Ines on her fourth night wants two new things; the old closing is residue."""
    held_out = Asking(prompts=2).held_out(BY_ID["ines"], 4)
    answers = [Message(role="assistant", content=text) for text in ("One. Take care.", "One. Onwards!")]
    grades = grade(held_out, answers, night=4)
    assert (1, 0) == grades.right
    assert Rate(passed=0, asked=0) == grades.retention
    assert Rate(passed=1, asked=2) == grades.residue
    later = grade(held_out, answers, night=5)
    assert Rate(passed=3, asked=4) == later.retention
    assert Rate(passed=1, asked=2) == later.wishes['End every answer with "Take care."']


def test_what_is_contested_is_counted_and_not_wanted() -> None:
    """Ruben wants lists and no lists: each has its rate, and neither makes an answer right or left over."""
    held_out = Asking(prompts=3).held_out(BY_ID["ruben"], 7)
    texts = ("- One.\n- Two.\n\nGood luck!", "One. Two. Good luck!", "- One.\n- Two.\n\nGood luck!")
    grades = grade(held_out, [Message(role="assistant", content=text) for text in texts], night=7)
    assert (1, 1, 1) == grades.right
    assert {
        "Use bullet points.": Rate(passed=2, asked=3),
        "No lists, please.": Rate(passed=1, asked=3),
    } == grades.contested
    assert Rate(passed=0, asked=0) == grades.residue
    assert not set(grades.contested) & set(grades.wishes)
    assert {} == grade(held_out[:0], [], night=7).contested


def test_exact_calls_are_counted_where_one_is_wanted() -> None:
    """And nowhere else."""
    tomas = Asking(prompts=3).held_out(BY_ID["tomas"], 1)
    answers = [Message(role="assistant", tool_calls=(asked.call,)) for asked in tomas if asked.call]
    assert Rate(passed=3, asked=3) == grade(tomas, answers, night=1).calls
    nell = Asking(prompts=1).held_out(BY_ID["nell"], 1)
    assert 0 == grade(nell, [Message(role="assistant", content="Yes.")], night=1).calls.asked
