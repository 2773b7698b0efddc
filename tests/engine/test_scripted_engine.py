"""The scripted engine keeps the engine's contract, and tells a test what it was asked."""

from __future__ import annotations

import pytest
from contracts.engine_contract import FRUITS, TALE, EngineContract, OpenEngine, ask

from persona.engine.fake import ScriptedEngine
from persona.engine.protocol import Prompt, Sampling
from persona.errors import EngineError
from store.records import ToolCall

LONG = " ".join(f"word{number}" for number in range(5000))


def script(prompt: Prompt) -> str:
    return LONG if "tale" in prompt.messages[-1].content else f"Well: {prompt.messages[-1].content} Yes."


def open_scripted() -> ScriptedEngine:
    return ScriptedEngine(script, revision="rev-script", seconds_a_word=0.0001)


class TestScriptedEngine(EngineContract):
    @pytest.fixture
    def revision(self) -> str:
        return "rev-script"

    @pytest.fixture
    def engine(self) -> ScriptedEngine:
        return open_scripted()

    @pytest.fixture
    def fresh(self) -> OpenEngine:
        return open_scripted


def test_answers_by_the_last_message() -> None:
    """A mapping is looked up with what was asked last; what it lacks is an error and not a guess."""
    engine = ScriptedEngine({"Name three fruits.": "Apples."})

    assert "Apples." == engine.complete([FRUITS], Sampling())[0].text
    with pytest.raises(EngineError, match="lighthouse"):
        engine.complete([TALE], Sampling())


def test_answers_in_order() -> None:
    """A list is given reply by reply, and its end is an error."""
    engine = ScriptedEngine(["One.", "Two."])

    assert ["One.", "Two."] == [a.text for a in engine.complete([FRUITS, FRUITS], Sampling())]
    with pytest.raises(EngineError, match="ends after 2"):
        engine.complete([FRUITS], Sampling())


def test_calls_are_read_as_calls() -> None:
    """A scripted tool call comes as a call, with the finish reason of one."""
    engine = ScriptedEngine(['<tool_call>{"name": "look", "arguments": {"at": "sky"}}</tool_call>'])

    answer = engine.complete([ask("Look up.")], Sampling())[0]

    assert (ToolCall(name="look", arguments={"at": "sky"}),) == answer.message.tool_calls
    assert "tool_calls" == answer.finish_reason


def test_remembers_what_it_was_asked() -> None:
    """Every request is kept with its sampling; streams that were closed early are counted."""
    engine = ScriptedEngine(script)
    sampling = Sampling(max_tokens=9)

    engine.complete([FRUITS], sampling)
    stream = engine.stream(TALE, sampling)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator

    assert [(FRUITS, sampling), (TALE, sampling)] == engine.asked
    assert 1 == engine.cancelled
