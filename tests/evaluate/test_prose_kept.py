"""Whether a call is made where none is wanted."""

from evaluate_parts import completion, small_job

from persona.evaluate import run
from persona.evaluate.job import EvaluationJob
from persona.evaluate.neutral import small_talk
from persona.offers import Offer
from persona.report import Rate
from store.records import Message, ToolCall

TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
OFFER = Offer(system=(Message(role="system", content="Be quick."),), tools=(TOOL,))


def job(tmp_path, offer: Offer | None) -> EvaluationJob:
    return small_job(tmp_path, offer=offer)


def test_small_talk_is_asked_behind_the_tools(monkeypatch, tmp_path, starter_base):
    """Of every arm the same, and an answer that calls is counted against it."""
    call = Message(role="assistant", content="", tool_calls=(ToolCall(name="find", arguments={}, id="1"),))
    asked = {}

    def answers(_job, _base, _registry, arm, prompts, _report, tokens):
        asked[arm] = prompts
        said = [
            call if arm == "c" and n < 3 else Message(role="assistant", content="Yes.") for n in range(12)
        ]
        return [*map(completion, said)]

    monkeypatch.setattr(run, "_answers", answers)
    found = run._prose_kept(job(tmp_path, OFFER), starter_base, None, ["r0", "c"], lambda *_: None)
    assert {"r0": Rate(passed=12, asked=12), "c": Rate(passed=9, asked=12)} == found
    assert asked["c"] == asked["r0"]
    assert small_talk() == [each.messages[-1].content for each in asked["c"]]
    assert all((TOOL,) == each.tools and "system" == each.messages[0].role for each in asked["c"])


def test_a_call_that_was_cut_off_is_a_call(monkeypatch, tmp_path, starter_base):
    """A tool that writes files has arguments longer than what is looked at."""
    begun = completion('<tool_call>\n{"name": "find", "arguments": {"what": "all of', "length")
    monkeypatch.setattr(run, "_answers", lambda *_, **__: [begun] * 12)
    found = run._prose_kept(job(tmp_path, OFFER), starter_base, None, ["c"], lambda *_: None)
    assert {"c": Rate(passed=0, asked=12)} == found


def test_without_tools_nothing_is_asked(tmp_path):
    """Then the figure is missing, and the gate does not look for it."""
    assert {} == run._prose_kept(job(tmp_path, None), None, None, ["r0", "c"], lambda *_: None)


def test_the_offer_survives_the_way_into_the_process(tmp_path):
    """As all of a job does."""
    made = job(tmp_path, OFFER)
    assert made == EvaluationJob.from_json(made.to_json())
    assert EvaluationJob.from_json(job(tmp_path, None).to_json()).offer is None
