"""The night of a person with tools: what was called before is judged as it will be served."""

from __future__ import annotations

from datetime import timedelta

from night_parts import NOON, Place

from store.conversation import Act, Conversation, Turn
from store.records import FeedbackKind, Message, ToolCall

TOOL = {
    "type": "function",
    "function": {
        "name": "note",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
    },
}


def called(what: str) -> tuple[ToolCall, ...]:
    return (ToolCall(name="note", arguments={"what": what}),)


def test_precedents_are_of_requests_that_were_trained_on_and_of_no_other(place: Place) -> None:
    """A held-out request that stood among them would answer itself."""
    for n in range(30):
        edit = Act(kind=FeedbackKind.EDIT, tool_calls=called(f"thing {n}"))
        turns = (
            Turn(message=Message(role="user", content=f"Write down thing {n}.")),
            Turn(message=Message(role="assistant", tool_calls=called("something")), feedback=(edit,)),
        )
        at = NOON + timedelta(minutes=n)
        place.store.interactions.add_conversation(
            Conversation(id=f"c-{n}", at=at, source="test", turns=turns, tools=(TOOL,))
        )
    place.night()
    (job,) = place.stages.judged
    trained = {example.prompt[-1].content for example in place.stages.trained[0].examples}
    held_out = {probe.prompt.messages[-1].content for probe in job.probes if probe.wanted}
    assert held_out
    assert trained == {each.request for each in job.precedents}
    assert held_out.isdisjoint(each.request for each in job.precedents)
