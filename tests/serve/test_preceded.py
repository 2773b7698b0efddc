"""An engine that shows what was called before: when it does, and what its reader sees of that."""

from __future__ import annotations

import pytest

from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Prompt, Sampling
from persona.errors import PromptTooLong
from persona.precedents import Precedent
from persona.serve.preceded import PrecededEngine
from store.records import Message, ToolCall

TOOL = {"type": "function", "function": {"name": "note", "parameters": {"type": "object"}}}
MODEST = Sampling(max_tokens=64)


def call(what: str) -> str:
    return f'<tool_call>{{"name": "note", "arguments": {{"what": "{what}"}}}}</tool_call>'


KNOWN = tuple(
    Precedent(
        request=f"Remind me to buy {what}.",
        answer=Message(role="assistant", tool_calls=(ToolCall(name="note", arguments={"what": what}),)),
    )
    for what in ("stamps", "flour")
)


def ask(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),), tools=(TOOL,))


def answered(script: dict[tuple[str, bool], str]) -> PrecededEngine:
    """By the request and whether precedents stand before it."""
    return PrecededEngine(
        ScriptedEngine(lambda prompt: script[prompt.messages[-1].content, len(prompt.messages) > 1]), KNOWN
    )


CASES = {
    "a call is made anew": ("Put this down.", call("it"), call("this"), call("this")),
    "prose stays prose": ("How are you?", "Fine, thank you.", call("how"), "Fine, thank you."),
    "nearly the same words want a call": ("Remind me to buy soap.", "Of course.", call("soap"), call("soap")),
    "prose behind them is not taken": ("Put this down.", call("it"), "I did.", call("it")),
    "a call behind prose came too late": (
        "Put this down.",
        "Yes. " + call("it"),
        call("this"),
        "Yes. " + call("it"),
    ),
    "what only begins like a call": ("Put this down.", "<tool", call("this"), "<tool"),
}


@pytest.mark.parametrize(("request_", "plain", "with_them", "expected"), CASES.values(), ids=CASES)
def test_an_answer_is_the_same_whole_or_in_pieces(request_, plain, with_them, expected):
    """And its pieces are those of its completion, whatever was begun before it."""
    engine = answered({(request_, False): plain, (request_, True): with_them})
    (whole,) = engine.complete([ask(request_)], MODEST)
    *pieces, last = engine.stream(ask(request_), MODEST)
    assert expected == whole.text
    assert last.completion is not None
    assert expected == last.completion.text == "".join(each.text for each in [*pieces, last])


def test_whoever_leaves_cancels_what_is_under_way():
    """While it is not clear yet whether there is a call, too."""
    engine = ScriptedEngine(lambda _: " " * 40 + "And so on. " * 20)
    stream = PrecededEngine(engine, KNOWN).stream(ask("Put this down."), MODEST)
    next(stream)
    stream.close()
    assert 1 == engine.cancelled


def test_an_answer_that_a_schema_holds_is_left_alone():
    """It is JSON, and no call of this form."""
    engine = answered({("Remind me to buy soap.", False): "{}"})
    held = Sampling(max_tokens=64, json_schema={"type": "object"})
    assert ["{}"] == [each.text for each in engine.complete([ask("Remind me to buy soap.")], held)]
    assert "{}" == "".join(each.text for each in engine.stream(ask("Remind me to buy soap."), held))


def test_where_precedents_leave_no_room_the_request_goes_as_it_came():
    """Nobody who sends what fits is told that it does not."""

    def script(prompt: Prompt) -> str:
        if len(prompt.messages) > 1:
            raise PromptTooLong(900, 800)
        return call("soap")

    engine = PrecededEngine(ScriptedEngine(script), KNOWN)
    asked = ask("Remind me to buy soap.")
    assert [call("soap")] == [each.text for each in engine.complete([asked], MODEST)]
    assert call("soap") == "".join(each.text for each in engine.stream(asked, MODEST))
