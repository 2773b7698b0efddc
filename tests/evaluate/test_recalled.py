"""What precedents do to the calls of a candidate."""

from dataclasses import replace

from evaluate_parts import completion, small_job

from persona.engine.protocol import Prompt
from persona.evaluate import run
from persona.evaluate.job import EvaluationJob, Probe
from persona.precedents import Precedent
from persona.report import Rate, Recalled
from store.records import Message, ToolCall

TOOL = {"type": "function", "function": {"name": "note", "parameters": {"type": "object"}}}


def call(what: str) -> Message:
    return Message(
        role="assistant", content="", tool_calls=(ToolCall(name="note", arguments={"what": what}),)
    )


def ask(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),), tools=(TOOL,))


def job(tmp_path, precedents: tuple[Precedent, ...]) -> EvaluationJob:
    probes = (
        Probe(prompt=ask("Put soap on my list."), wanted=call("soap").tool_calls),
        Probe(prompt=ask("Remind me to buy tea."), wanted=call("buy tea").tool_calls),
        Probe(prompt=ask("Remind me to buy a joke."), preferences=("p",)),
    )
    return small_job(tmp_path, probes=probes, precedents=precedents)


KNOWN = (
    Precedent(request="Remind me to buy milk.", answer=call("buy milk")),
    Precedent(request="Remind me to buy ink.", answer=call("buy ink")),
)
CALLED = '<tool_call>{"name": "note", "arguments": {"what": "buy tea"}}</tool_call>'


def answered(message: Message, text: str):
    return replace(completion(message), text=text)


def test_requests_that_want_a_call_are_asked_once_more(monkeypatch, tmp_path, starter_base):
    """Exact calls of all of them, without and with; what wants none is not asked."""
    plain = [answered(Message(role="assistant", content="Yes."), "Yes.") for _ in range(3)]
    asked = []

    def answers(_job, _base, _registry, arm, prompts, _report):
        asked.extend((arm, prompt.messages[-1].content, len(prompt.messages)) for prompt in prompts)
        return [answered(call("buy tea"), CALLED) for _ in prompts]

    monkeypatch.setattr(run, "_answers", answers)
    found = run._recalled(job(tmp_path, KNOWN), starter_base, None, plain, lambda *_: None)
    assert [("c", "Remind me to buy tea.", 5)] == asked
    assert Recalled(without=Rate(passed=0, asked=2), with_them=Rate(passed=1, asked=2)) == found


def test_without_precedents_nothing_is_asked(tmp_path, starter_base):
    """Most people have no tools."""
    plain = [completion("Yes.", "stop") for _ in range(3)]
    assert run._recalled(job(tmp_path, ()), starter_base, None, plain, lambda *_: None) is None


def test_precedents_survive_the_way_into_the_process(tmp_path):
    """As all of a job does."""
    made = job(tmp_path, KNOWN)
    assert made == EvaluationJob.from_json(made.to_json())
