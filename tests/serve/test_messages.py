"""Anthropic's Messages, as anthropic's own client speaks and reads it."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from serve_parts import PLAIN, REVISION, TOKEN, Served, call_text, running

from store.records import Message, Origin, ToolCall

HELLO = [{"role": "user", "content": "Hello?"}]
WEATHER = {"name": "get_weather", "description": "The weather.", "input_schema": {"type": "object"}}
ASKED: dict[str, Any] = {"model": "persona", "max_tokens": 100, "messages": HELLO}


def client(served: Served) -> anthropic.Anthropic:
    plain = served.opened.enter_context(anthropic.DefaultHttpxClient(**PLAIN))
    return anthropic.Anthropic(base_url=served.url, api_key=TOKEN, max_retries=0, http_client=plain)


def test_an_answer() -> None:
    """The answer, what spoke, and what it cost."""
    with running(["Hello there, friend."]) as served:
        raw = client(served).messages.with_raw_response.create(**ASKED)
        answer = raw.parse()

        assert ["Hello there, friend."] == [block.text for block in answer.content]
        assert ("end_turn", "persona:r7") == (answer.stop_reason, answer.model)
        assert (1, 3) == (answer.usage.input_tokens, answer.usage.output_tokens)
        assert (REVISION, "i-1") == (raw.headers["x-persona-revision"], raw.headers["x-persona-interaction"])


def test_a_streamed_answer_with_calls() -> None:
    """The client's own accumulator makes the same blocks of the events as a whole answer has."""
    calls = [call_text("get_weather", city=city) for city in ("Oslo", "Rome")]
    text = "\n".join(["Let me look.", *calls])
    with running([text, text]) as served:
        whole = client(served).messages.create(**ASKED, tools=[WEATHER])
        with client(served).messages.stream(**ASKED, tools=[WEATHER]) as stream:
            streamed = stream.get_final_message()

        for answer in (whole, streamed):
            said, oslo, rome = answer.content
            assert "Let me look." == said.text
            assert [("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})] == [
                (oslo.name, oslo.input),
                (rome.name, rome.input),
            ]
            assert "tool_use" == answer.stop_reason
            assert (1, 17) == (answer.usage.input_tokens, answer.usage.output_tokens)


def test_a_stream_says_at_its_beginning_how_long_the_prompt_is() -> None:
    """Clients count what they may still say from the first event."""
    with running(["Yes."]) as served:
        events = served.events("/v1/messages", {**ASKED, "messages": [{"role": "user", "content": "a b c"}]})

        assert 3 == events[0][1]["message"]["usage"]["input_tokens"]
        assert {"revision": REVISION, "interaction": "i-1"} == events[-2][1]["persona"]


def test_an_empty_answer_has_one_block() -> None:
    """Clients read the first block without looking whether there is one."""
    with running({"Hello?": ""}) as served:
        whole = client(served).messages.create(**ASKED)
        with client(served).messages.stream(**ASKED) as stream:
            streamed = stream.get_final_message()

        assert [""] == [block.text for block in whole.content] == [block.text for block in streamed.content]


def test_a_conversation_reaches_the_engine_as_it_was_said() -> None:
    """System blocks, calls, results and the user's words behind them become the messages of a prompt."""
    said = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Weather?", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "x"},
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "Rain."}],
                },
                {"type": "text", "text": "And tomorrow?"},
            ],
        },
    ]
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=fa690;"},
        {"type": "text", "text": "Be kind."},
        {"type": "text", "text": "Be brief."},
    ]
    with running(["Sun."]) as served:
        client(served).messages.create(**{**ASKED, "messages": said, "system": system, "tools": [WEATHER]})

        assert (
            Message(role="system", content="Be kind.\n\nBe brief."),
            Message(role="user", content="Weather?"),
            Message(
                role="assistant",
                content="Let me look.",
                tool_calls=(ToolCall(name="get_weather", arguments={"city": "Oslo"}, id="toolu_1"),),
            ),
            Message(role="tool", content="Rain.", tool_call_id="toolu_1"),
            Message(role="user", content="And tomorrow?"),
        ) == served.prompt.messages
        assert "get_weather" == served.prompt.tools[0]["function"]["name"]


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("Please be brief.", Origin.USER),
        ("<system-reminder>Be kind.</system-reminder>", Origin.CLIENT),
        ("<system-reminder>Be kind.</system-reminder>\nPlease be brief.", Origin.USER),
        ("<environment_context>\n<cwd>/home</cwd>\n</environment_context>", Origin.CLIENT),
        ("", Origin.USER),
    ],
)
def test_what_a_program_says_in_the_users_name_is_the_programs(text: str, origin: Origin) -> None:
    """Only a user's own words may be learnt from."""
    with running({text: "Yes."}) as served:
        client(served).messages.create(**{**ASKED, "messages": [{"role": "user", "content": text}]})

        assert origin is served.prompt.messages[-1].origin


def test_sampling_reaches_the_engine() -> None:
    """What the dialect can say about sampling is what the engine is asked."""
    with running(["One two"]) as served:
        more = {"temperature": 0.5, "top_p": 0.9, "top_k": 20}
        client(served).messages.create(**ASKED, stop_sequences=["END"], extra_body=more)
        asked = served.sampling

        assert (0.5, 0.9, 20, ("END",), 100) == (
            asked.temperature,
            asked.top_p,
            asked.top_k,
            asked.stop,
            asked.max_tokens,
        )


@pytest.mark.parametrize(
    "form",
    [
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"output_format": {"type": "json_schema", "schema": {"type": "object"}}},
    ],
)
def test_structured_output(form: dict[str, Any]) -> None:
    """A schema reaches the engine, in the old form and in the new one."""
    with running(["{}"]) as served:
        assert 200 == served.post("/v1/messages", {**ASKED, **form}).status_code
        assert {"type": "object"} == served.sampling.json_schema


@pytest.mark.parametrize(
    ("choice", "tools", "held"),
    [
        ({"type": "auto"}, 1, False),
        ({"type": "none"}, 0, False),
        ({"type": "any"}, 1, True),
        ({"type": "tool", "name": "get_weather"}, 1, True),
    ],
)
def test_tool_choice(choice: dict[str, Any], tools: int, held: bool) -> None:
    """What the client chooses decides which tools are shown, and whether one must be called."""
    with running([call_text("get_weather", city="Oslo")]) as served:
        client(served).messages.create(**ASKED, tools=[WEATHER], tool_choice=choice)

        assert tools == len(served.prompt.tools)
        assert held is (served.sampling.json_schema is not None)


@pytest.mark.parametrize("wanted", [False, True])
def test_thoughts_are_shown_to_whoever_asked(wanted: bool) -> None:
    """A client that did not ask for thoughts would not know such a block."""
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if wanted else {}
    with running({"Hello?": "<think>Hm.</think>Yes."}) as served:
        whole = client(served).messages.create(**ASKED, **thinking)
        with client(served).messages.stream(**ASKED, **thinking) as stream:
            streamed = stream.get_final_message()

        kinds = ["thinking", "text"] if wanted else ["text"]
        assert kinds == [b.type for b in whole.content] == [b.type for b in streamed.content]


def test_tokens_are_counted_without_an_answer() -> None:
    """A count is that of the prompt as the engine reads it, and asks nothing of it."""
    with running(["Yes."]) as served:
        counted = client(served).messages.count_tokens(
            model="persona", messages=[{"role": "user", "content": "one two three"}], system="four five"
        )

        assert 5 == counted.input_tokens
        assert [] == served.engine.asked


def test_models_are_listed() -> None:
    """The client finds the models in the list that other clients read too."""
    with running(["Yes."]) as served:
        assert ["persona", "persona:r7"] == [model.id for model in client(served).models.list()]


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"model": "claude-9"}, anthropic.NotFoundError, "claude-9"),
        ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens"),
        ({"messages": [{"role": "assistant", "content": "So"}]}, anthropic.BadRequestError, "messages"),
    ],
)
def test_refusals_are_the_clients_own_errors(wrong: dict[str, Any], error: type, said: str) -> None:
    """The client raises the error that it has for the status, and the message names what is wrong."""
    with running(["Yes."]) as served, pytest.raises(error, match=said):
        client(served).messages.create(**{**ASKED, **wrong})
