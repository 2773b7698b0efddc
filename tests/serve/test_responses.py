"""Responses without state, as openai's own client speaks and reads it."""

from __future__ import annotations

from typing import Any

import openai
import pydantic
import pytest
from serve_parts import PLAIN, REVISION, TOKEN, Served, call_text, running

from store.records import Message, Origin, ToolCall

WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": True}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
}
FILES = {
    "type": "namespace",
    "name": "mcp__files__",
    "description": "",
    "tools": [{**WEATHER, "name": "read"}],
}


def client(served: Served) -> openai.OpenAI:
    plain = served.opened.enter_context(openai.DefaultHttpxClient(**PLAIN))
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key=TOKEN, max_retries=0, http_client=plain)


def test_an_answer() -> None:
    """The answer, what spoke, and what it cost."""
    with running(["Hello there, friend."]) as served:
        raw = client(served).responses.with_raw_response.create(model="persona", input="Hello?")
        answer = raw.parse()

        assert "Hello there, friend." == answer.output_text
        assert ("completed", "persona:r7") == (answer.status, answer.model)
        assert (1, 3, 4) == (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens)
        assert (REVISION, "i-1") == (raw.headers["x-persona-revision"], raw.headers["x-persona-interaction"])


def test_a_streamed_answer_with_calls() -> None:
    """The client's own accumulator makes the same items of the events as a whole answer has."""
    text = (
        "<think>Hm.</think>Let me look.\n"
        + call_text("get_weather", city="Oslo")
        + call_text("get_weather", city="Rome")
    )
    with running({"Hello?": text}) as served:
        whole = client(served).responses.create(model="persona", input="Hello?", tools=[WEATHER])
        with client(served).responses.stream(model="persona", input="Hello?", tools=[WEATHER]) as stream:
            events = list(stream)
            streamed = stream.get_final_response()

        for answer in (whole, streamed):
            thought, said, oslo, rome = answer.output
            assert "Hm." == thought.content[0].text
            assert "Let me look." == said.content[0].text
            assert ['{"city": "Oslo"}', '{"city": "Rome"}'] == [oslo.arguments, rome.arguments]
            assert oslo.call_id != rome.call_id
        assert "Let me look." == "".join(e.delta for e in events if e.type == "response.output_text.delta")


def test_events_come_in_their_order() -> None:
    """Numbers without a gap, and every item opened before it is filled and closed."""
    with running(["Yes.\n" + call_text("get_weather", city="Oslo")]) as served:
        events = served.events("/v1/responses", {"model": "persona", "input": "Hello?", "tools": [WEATHER]})

        assert [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ] == [name for name, _ in events]
        assert list(range(len(events))) == [data["sequence_number"] for _, data in events]
        assert [0, 0, 0, 0, 0, 0, 1, 1, 1, 1] == [
            data["output_index"] for _, data in events if "output_index" in data
        ]
        assert "i-1" == events[-1][1]["response"]["persona"]["interaction"]


def test_a_conversation_reaches_the_engine_as_it_was_said() -> None:
    """What was one answer comes back as several items, and is one message again."""
    said: list[Any] = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
        {"role": "user", "content": "Weather in Oslo?"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Let me look."}],
        },
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "get_weather",
            "arguments": '{"city": "Oslo"}',
        },
        {"type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "*** Begin"},
        {"type": "function_call_output", "call_id": "call_1", "output": "Rain."},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "Done."}],
        },
    ]
    with running(["It rains."]) as served:
        client(served).responses.create(
            model="persona", instructions="Be brief.", input=said, tools=[WEATHER, PATCH]
        )

        assert (
            Message(role="system", content="Be brief."),
            Message(role="system", content="Be kind."),
            Message(role="user", content="Weather in Oslo?", origin=Origin.USER),
            Message(
                role="assistant",
                content="Let me look.",
                tool_calls=(
                    ToolCall(name="get_weather", arguments={"city": "Oslo"}, id="call_1"),
                    ToolCall(name="apply_patch", arguments={"input": "*** Begin"}, id="call_2"),
                ),
            ),
            Message(role="tool", content="Rain.", tool_call_id="call_1"),
            Message(role="tool", content="Done.", tool_call_id="call_2"),
        ) == served.prompt.messages


@pytest.mark.parametrize("stream", [False, True])
def test_free_form_tools_are_called_in_their_own_way(stream: bool) -> None:
    """A model sees a function with one input; the client gets the call that it knows, with plain text."""
    with running([call_text("apply_patch", input="*** Begin Patch\n*** End Patch")]) as served:
        body = {"model": "persona", "input": "Hello?", "tools": [PATCH]}
        if stream:
            answer = served.events("/v1/responses", body)[-1][1]["response"]
        else:
            answer = served.post("/v1/responses", body).json()
        (item,) = answer["output"]

        assert ("custom_tool_call", "apply_patch") == (item["type"], item["name"])
        assert "*** Begin Patch\n*** End Patch" == item["input"]
        assert ["input"] == served.prompt.tools[0]["function"]["parameters"]["required"]


def test_tools_of_a_namespace_come_back_with_it() -> None:
    """A model sees one name; the client gets the namespace and the name in it."""
    with running([call_text("mcp__files__read", path="a.txt")]) as served:
        (item,) = served.post("/v1/responses", {"model": "persona", "input": "Hi", "tools": [FILES]}).json()[
            "output"
        ]

        assert ("mcp__files__", "read") == (item["namespace"], item["name"])
        assert "mcp__files__read" == served.prompt.tools[0]["function"]["name"]


def test_tools_that_another_server_would_run_are_left_out() -> None:
    """A client that offers a web search can do without; the rest of its tools works."""
    with running(["Yes."]) as served:
        tools = [{"type": "web_search"}, {"type": "web_search_preview"}, WEATHER]
        client(served).responses.create(model="persona", input="Hello?", tools=tools)

        assert ["get_weather"] == [each["function"]["name"] for each in served.prompt.tools]


def test_structured_output() -> None:
    """A schema reaches the engine, and the client reads the answer with it."""

    class City(pydantic.BaseModel):
        name: str

    with running(['{"name": "Paris"}']) as served:
        answer = client(served).responses.parse(model="persona", input="Which?", text_format=City)

        assert City(name="Paris") == answer.output_parsed
        assert {"name"} == set(served.sampling.json_schema["properties"])


def test_a_cut_answer_is_incomplete() -> None:
    """An answer that reaches its limit says so, streamed or not."""
    with running({"Hello?": "one two three"}) as served:
        body = {"model": "persona", "input": "Hello?", "max_output_tokens": 2}
        whole = served.post("/v1/responses", body).json()
        name, last = served.events("/v1/responses", body)[-1]

        assert "response.incomplete" == name
        for answer in (whole, last["response"]):
            assert ("incomplete", {"reason": "max_output_tokens"}) == (
                answer["status"],
                answer["incomplete_details"],
            )


def test_nothing_is_remembered_on_this_side() -> None:
    """A client that leans on an earlier response is told so at once."""
    with running(["Yes."]) as served, pytest.raises(openai.BadRequestError, match="previous_response_id"):
        client(served).responses.create(model="persona", input="Hello?", previous_response_id="resp_1")


def test_sampling_reaches_the_engine() -> None:
    """What the dialect can say about sampling is what the engine is asked."""
    with running(["Yes."]) as served:
        client(served).responses.create(
            model="persona", input="Hello?", temperature=0.5, top_p=0.9, max_output_tokens=40
        )
        asked = served.sampling

        assert (0.5, 0.9, 40) == (asked.temperature, asked.top_p, asked.max_tokens)
