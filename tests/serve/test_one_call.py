"""Who wants one call at most gets it, and nothing is generated behind it; in each dialect."""

from __future__ import annotations

from typing import Any

import pytest
from serve_parts import Served, call_text, running, tool

FIRST, SECOND = (call_text("get_weather", city=city) for city in ("Oslo", "Rome"))
WORDS = len(FIRST.split())
SCRIPT = [f"{FIRST}\n{SECOND}\n" + "and on " * 1000]
HELLO = [{"role": "user", "content": "Hello?"}]
WEATHER = tool("get_weather", city={"type": "string"})
FUNCTION = WEATHER["function"]
CHAT = {"messages": HELLO, "tools": [WEATHER], "parallel_tool_calls": False, "max_tokens": 150}
RESPONSES = {
    "input": "Hello?",
    "tools": [{"type": "function", **FUNCTION}],
    "parallel_tool_calls": False,
    "max_output_tokens": 150,
}
MESSAGES = {
    "messages": HELLO,
    "tools": [{"name": "get_weather", "input_schema": FUNCTION["parameters"]}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "max_tokens": 150,
}


def chat(served: Served, stream: bool) -> tuple[str, int, list[Any]]:
    """How the answer ends, how many tokens it counts, and its calls."""
    path, asked = "/v1/chat/completions", {"model": "persona", **CHAT}
    if not stream:
        said = served.post(path, asked).json()
        choice = said["choices"][0]
        calls = [call["function"]["arguments"] for call in choice["message"]["tool_calls"]]
        return choice["finish_reason"], said["usage"]["completion_tokens"], calls
    events = served.events(path, asked | {"stream_options": {"include_usage": True}})
    chunks = [data for _, data in events if isinstance(data, dict)]
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    pieces = [call for choice in choices for call in choice["delta"].get("tool_calls", ())]
    calls = [piece["function"]["arguments"] for piece in pieces if piece["function"]["arguments"]]
    return choices[-1]["finish_reason"], chunks[-1]["usage"]["completion_tokens"], calls


def responses(served: Served, stream: bool) -> tuple[str, int, list[Any]]:
    path, asked = "/v1/responses", {"model": "persona", **RESPONSES}
    said = served.events(path, asked)[-1][1]["response"] if stream else served.post(path, asked).json()
    calls = [item["arguments"] for item in said["output"] if item["type"] == "function_call"]
    return said["status"], said["usage"]["output_tokens"], calls


def messages(served: Served, stream: bool) -> tuple[str, int, list[Any]]:
    path, asked = "/v1/messages", {"model": "persona", **MESSAGES}
    if not stream:
        said = served.post(path, asked).json()
        calls = [block["input"] for block in said["content"] if block["type"] == "tool_use"]
        return said["stop_reason"], said["usage"]["output_tokens"], calls
    events = [data for _, data in served.events(path, asked)]
    deltas = [data["delta"] for data in events if data["type"] == "content_block_delta"]
    last = next(data for data in events if data["type"] == "message_delta")
    calls = [delta["partial_json"] for delta in deltas if "partial_json" in delta]
    return last["delta"]["stop_reason"], last["usage"]["output_tokens"], calls


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("ask", "end"), [(chat, "tool_calls"), (responses, "completed"), (messages, "tool_use")]
)
def test_the_answer_ends_with_its_call(ask: Any, end: str, stream: bool) -> None:
    """With the end that a call has, though far more was to come and the limit was near."""
    with running(SCRIPT) as served:
        ended, tokens, calls = ask(served, stream)

        assert (end, WORDS, 1) == (ended, tokens, len(calls))
        assert "Oslo" in str(calls)
        assert 1 == served.engine.cancelled
        assert ["Oslo"] == [c.arguments["city"] for c in served.desk.turns[0].completion.message.tool_calls]
        assert "tool_calls" == served.desk.turns[0].completion.finish_reason


def test_the_prompt_is_counted_all_the_same() -> None:
    """As where the engine comes to its own end."""
    with running([*SCRIPT, "Yes."]) as served:
        asked = {"model": "persona", **CHAT}
        used = [
            served.post("/v1/chat/completions", each).json()["usage"]["prompt_tokens"]
            for each in (asked, asked | {"parallel_tool_calls": True})
        ]

        assert used[0] == used[1] > 0


def test_a_call_that_has_to_be_made_ends_like_one() -> None:
    """Also where the limit was reached with its last word."""
    bare = '{"name": "get_weather", "arguments": {"city": "Oslo"}}'
    with running([bare + " "]) as served:
        asked = CHAT | {"tool_choice": "required", "max_tokens": len(bare.split())}
        said = served.post("/v1/chat/completions", {"model": "persona", **asked}).json()["choices"][0]

        assert ("tool_calls", 1) == (said["finish_reason"], len(said["message"]["tool_calls"]))


def test_text_without_a_call_is_given_to_its_end() -> None:
    """Only a call ends it."""
    with running(["one two three"]) as served:
        said = served.post("/v1/chat/completions", {"model": "persona", **CHAT}).json()["choices"][0]

        assert ("stop", "one two three") == (said["finish_reason"], said["message"]["content"])
