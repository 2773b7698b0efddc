"""Where some of few answers are in doubt, more are asked for before their form is judged."""

import pytest
from evaluate_parts import completion

from persona.engine.protocol import Completion, Prompt
from persona.evaluate import run
from persona.evaluate.job import EvaluationJob, Probe
from store.records import Message

LOOPING, FINE = "the power of the story is " * 6, "It is."


def asked(monkeypatch, tmp_path, candidate: list[str], base: list[str | Completion]) -> dict[str, list[str]]:
    """The prompts that each arm was asked besides."""
    probe = Probe(prompt=Prompt(messages=(Message(role="user", content="Why?"),)))
    job = EvaluationJob(
        home=tmp_path,
        base="b",
        adapters=tmp_path,
        candidate="c",
        champion="r0",
        probes=(probe,) * len(candidate),
        pairs=(),
        checkers={},
    )
    found: dict[str, list[str]] = {}

    def answers(_job, _base, _registry, arm, prompts, _report):
        found[arm] = [prompt.messages[-1].content for prompt in prompts]
        return [completion(FINE) for _ in prompts]

    monkeypatch.setattr(run, "_answers", answers)
    bare = [each if isinstance(each, Completion) else completion(each) for each in base]
    known = {"c": [*map(completion, candidate)], "r0": bare}
    more = run._asked_for_form(job, None, None, known, lambda *_: None)
    assert {arm: len(each) for arm, each in more.items()} == {arm: len(each) for arm, each in found.items()}
    return found


def test_two_looping_answers_of_few_are_asked_again_of_other_prompts(monkeypatch, tmp_path):
    """Of every arm alike, until there are 24 answers."""
    found = asked(monkeypatch, tmp_path, [LOOPING, LOOPING, *[FINE] * 6], [FINE] * 8)
    assert {"c", "r0"} == set(found)
    assert found["c"] == found["r0"]
    assert 16 == len(set(found["c"]))


def test_a_base_that_does_not_end_hides_no_loops(monkeypatch, tmp_path):
    """A small base rambles to the end of its room, which says nothing about loops."""
    cut_off = [completion(FINE, "length")] * 8
    assert asked(monkeypatch, tmp_path, [LOOPING, LOOPING, *[FINE] * 6], cut_off)


@pytest.mark.parametrize(
    ("candidate", "base"),
    [
        ([LOOPING, *[FINE] * 7], [FINE] * 8),
        ([LOOPING] * 2 + [FINE] * 6, [LOOPING, *[FINE] * 7]),
        ([LOOPING] * 2 + [FINE] * 22, [FINE] * 24),
    ],
    ids=["one", "one more than the base", "two of many"],
)
def test_nothing_more_is_asked_where_nothing_is_in_doubt(monkeypatch, tmp_path, candidate, base):
    """A night costs more only where it may refuse for little."""
    assert not asked(monkeypatch, tmp_path, candidate, base)
