"""With tools on offer, whatever begins a call ends as a call that the tool's schema accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from persona.engine.llama_cpp import LlamaCppEngine
from persona.engine.protocol import Completion, Prompt, Sampling
from persona.engine.tool_grammar import tool_grammar
from store.records import Message, ToolCall


def tool(name: str, required: list[str], **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TIMER = tool("set_timer", ["minutes"], minutes={"type": "integer", "minimum": 1}, label={"type": "string"})
WEATHER = tool(
    "get_weather",
    ["city", "units"],
    city={"type": "string", "maxLength": 20},
    units={"enum": ["metric", "imperial"]},
)
# Names that break JSON and grammars, references, and a keyword that nobody knows.
ODD = {
    "type": "function",
    "function": {
        "name": 'say "it"\\now',
        "parameters": {
            "type": "object",
            "$defs": {"tone": {"enum": ["glad", "sad", "ümlaut"]}},
            "properties": {
                "tone": {"$ref": "#/$defs/tone"},
                "when": {"type": "string", "format": "moon-phase"},
            },
            "required": ["tone"],
            "additionalProperties": False,
        },
    },
}
TOOLS = (TIMER, WEATHER, ODD)


def shown(question: str, name: str, **arguments: Any) -> list[Message]:
    """A turn in which a call was made, so that a small base makes one too; it need not fit any schema."""
    return [
        Message(role="user", content=question),
        Message(role="assistant", tool_calls=(ToolCall(name=name, arguments=arguments, id="c1"),)),
    ]


def asking(question: str) -> Prompt:
    before = [
        *shown("Set a timer for 3 minutes.", "set_timer", minutes=3),
        *shown("Weather in Oslo?", "weather_in", town="Oslo"),
        *shown("Set a timer for 9 minutes.", "set_timer", minutes=9),
    ]
    return Prompt(messages=(*before, Message(role="user", content=question)), tools=TOOLS)


def misfits(answer: Completion) -> list[str]:
    """Calls of the answer that were begun and are none of a tool on offer with fitting arguments."""
    schemas = {each["function"]["name"]: each["function"]["parameters"] for each in TOOLS}
    calls = answer.message.tool_calls
    wrong = [
        f"{call.name}({json.dumps(dict(call.arguments))})"
        for call in calls
        if call.name not in schemas
        or not Draft202012Validator(schemas[call.name]).is_valid(dict(call.arguments))
    ]
    return wrong + ["unread"] * (answer.text.count("<tool_call>") - len(calls))


@pytest.mark.base
def test_what_begins_a_call_ends_as_a_valid_one(starter_base) -> None:
    """On the bare base, which without the grammar calls tools that there are not, at any temperature."""
    engine = LlamaCppEngine(starter_base, None, "r0", context=2048)
    try:
        answers = [
            *engine.complete(
                [asking("Set a timer for 5 minutes."), asking("Weather in Kiel in metric?")],
                Sampling(max_tokens=160),
            ),
            *(
                answer
                for seed in range(3)
                for answer in engine.complete(
                    [asking("Say it in a glad tone, now.")],
                    Sampling(max_tokens=160, temperature=0.8, seed=seed),
                )
            ),
        ]
        (free,) = engine.complete(
            [Prompt(messages=(Message(role="user", content="Say hello."),), tools=TOOLS)],
            Sampling(max_tokens=60),
        )
    finally:
        engine.close()
    whole = [answer for answer in answers if answer.finish_reason != "length"]
    assert [[] for _ in whole] == [misfits(answer) for answer in whole]
    assert 2 <= sum(bool(answer.message.tool_calls) for answer in whole)
    assert (free.text, ()) == (free.message.content, free.message.tool_calls)


def test_no_tools_no_grammar() -> None:
    """An ordinary request stays as it is, and so does one whose tools nobody could call."""
    assert {} == tool_grammar((), ["</s>"])
    assert {} == tool_grammar(
        ({"type": "function"}, {"type": "function", "function": {"name": ""}}), ["</s>"]
    )


def test_every_tool_and_every_end_is_in_the_grammar() -> None:
    """A schema that is none allows any object; an end that llguidance cannot name is left out."""
    bare = {"type": "function", "function": {"name": "go", "parameters": "?"}}
    (grammar,) = tool_grammar((WEATHER, bare), ["<|im_end|>", "</s>", "END"]).values()
    assert "end: <|im_end|> | </s>\n" in grammar
    assert "one: call_0 | call_1\n" in grammar
    assert '%json {"type": "object", "x-guidance"' in grammar
    assert grammar == tool_grammar((WEATHER, bare), ["<|im_end|>", "</s>", "END"])["grammar"]
