"""Which earlier requests stand before a request, and when they are asked with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Completion, Prompt, Sampling
from persona.precedents import MOST_KNOWN, Precedent, again, instead, preceded, precedents, precedents_for
from persona.report import Arm, EvalReport, Rate, Recalled
from store import Store
from store.identity import with_id
from store.records import DatasetSnapshot, Demonstration, Message, Run, RunState, Split, ToolCall

AT = datetime(2026, 11, 2, tzinfo=UTC)
CALLED = '<tool_call>\n{"name": "note", "arguments": {}}\n</tool_call>'


def tool(name: str) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def calling(what: str, name: str = "note") -> Message:
    return Message(
        role="assistant", content="", tool_calls=(ToolCall(name=name, arguments={"what": what}, id="7"),)
    )


def shown(text: str, what: str, *before: Message, name: str = "note", role: str = "user") -> Demonstration:
    return Demonstration(
        id="",
        conversation="c",
        prompt=(*before, Message(role=role, content=text)),
        tools=(tool(name),),
        completion=calling(what, name),
        signals=(),
        preferences=(),
    )


def said(text: str) -> Completion:
    (completion,) = ScriptedEngine([text]).complete([ask("")], Sampling())
    return completion


def ask(text: str, *before: Message, tools: tuple[str, ...] = ("note",)) -> Prompt:
    return Prompt(messages=(*before, Message(role="user", content=text)), tools=tuple(map(tool, tools)))


KNOWN = precedents(
    [
        shown("Remind me to buy stamps.", "buy stamps"),
        shown("Remind me to buy flour.", "buy flour"),
        shown("Is there a train to Linz?", "Linz", name="trains"),
        shown("Note that the key is with Ana.", "the key is with Ana"),
    ]
)


def test_the_newest_of_each_request_is_kept():
    """What the user wants now, as a demonstration from before it may show something else."""
    found = precedents([shown("Buy milk!", "milk"), shown("Call Ana.", "Ana"), shown("buy milk", "buy milk")])
    assert ["Call Ana.", "buy milk"] == [each.request for each in found]
    assert "buy milk" == found[-1].answer.tool_calls[0].arguments["what"]
    assert MOST_KNOWN == len(precedents(shown(f"Note {n}.", str(n)) for n in range(MOST_KNOWN + 9)))


def test_what_rests_on_something_else_is_none():
    """A call after a tool's result, prose, and what would fill a small context."""
    prose = Demonstration(
        id="",
        conversation="c",
        prompt=(Message(role="user", content="Hello"),),
        tools=(tool("note"),),
        completion=Message(role="assistant", content="Good day."),
        signals=(),
        preferences=(),
    )
    assert () == precedents([shown("42", "x", role="tool"), prose, shown("long " * 200, "x")])


def test_the_two_most_alike_stand_before_the_conversation():
    """The most alike last, behind the system's message; ids of calls are not repeated."""
    system, before = Message(role="system", content="Be quick."), Message(role="user", content="Hello")
    found = preceded(ask("Remind me to buy some flour.", system, before, tools=("note", "trains")), KNOWN)
    assert found is not None
    contents = [each.content for each in found.prompt.messages]
    assert ["Be quick.", "Remind me to buy stamps.", "", "Remind me to buy flour.", ""] == contents[:5]
    assert ["Hello", "Remind me to buy some flour."] == contents[5:]
    assert [""] * 2 == [call.id for each in found.prompt.messages for call in each.tool_calls]


def test_without_two_there_are_none():
    """One alone leads astray; tools that are not on offer cannot be called; a result is no request."""
    assert preceded(ask("Remind me to buy soap."), KNOWN[:1]) is None
    assert preceded(ask("Remind me to buy soap.", tools=("trains",)), KNOWN) is None
    assert preceded(ask("Remind me to buy soap.", tools=()), KNOWN) is None
    result = Prompt(messages=(Message(role="tool", content="done"),), tools=(tool("note"),))
    assert preceded(result, KNOWN) is None


def test_whether_to_call_is_decided_without_them_unless_they_are_sure():
    """Prose is asked again only where the words are nearly the same, and is never taken in a call's place."""
    prompts = [ask("Remind me to buy soap."), ask("How are you?"), ask("Write that down for Ana, please.")]
    found = again(prompts, [said("Of course."), said("Fine."), said(CALLED)], KNOWN)
    assert [0, 2] == list(found)
    plain = [said("Of course."), said("Fine."), said(CALLED)]
    answers = instead(plain, {0: said(CALLED), 2: said("I noted it.")})
    assert [CALLED, "Fine.", CALLED] == [each.text for each in answers]


def test_a_precedent_survives_the_way_into_a_process():
    """As all of a job does."""
    assert KNOWN == tuple(Precedent.from_json(each.to_json()) for each in KNOWN)


GAIN = Recalled(without=Rate(passed=3, asked=9), with_them=Rate(passed=8, asked=9))
NO_GAIN = Recalled(without=Rate(passed=8, asked=9), with_them=Rate(passed=8, asked=9))
MEASURED = {"they gain": (GAIN, 2), "they do not": (NO_GAIN, 0), "nobody looked": (None, 0)}


@pytest.mark.parametrize(("found", "expected"), MEASURED.values(), ids=MEASURED)
def test_a_revision_has_those_that_its_own_night_saw_gain(tmp_path, found, expected):
    """Of the newest snapshot; the bare base, which nobody judged, has none."""
    examples = [with_id(shown("Buy milk!", "milk")), with_id(shown("Call Ana.", "Ana"))]
    base = Arm(revision="r0")
    report = EvalReport(
        candidate=Arm(revision="rev-1"),
        champion=base,
        base=base,
        statements={},
        engine="fake",
        precedents=found,
    )
    with Store.open(tmp_path / "store.db") as store:
        store.examples.add(examples)
        store.snapshots.assign("c", Split.TRAIN)
        names = tuple(each.id for each in examples)
        store.snapshots.freeze(with_id(DatasetSnapshot(id="", at=AT, train=names, held_out=())))
        store.runs.start(Run(id="n-1", started_at=AT, state=RunState.STARTED))
        store.runs.finish(
            "n-1", state=RunState.PROMOTED, ended_at=AT, revision="rev-1", report=report.to_json()
        )
        assert expected == len(precedents_for(store, "rev-1"))
        assert () == precedents_for(store, "r0")
