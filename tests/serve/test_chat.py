"""Chat Completions, as openai's own client speaks and reads it."""

from __future__ import annotations

import json
from dataclasses import replace

import openai
import pydantic
import pytest
from serve_parts import PLAIN, QUICK, REVISION, TOKEN, Served, call_text, running, tool

from persona.engine.protocol import Sampling
from store.records import Message, Origin, ToolCall

HELLO = [{"role": "user", "content": "Hello?"}]
WEATHER = tool("get_weather", city={"type": "string"})


def client(served: Served) -> openai.OpenAI:
    plain = served.opened.enter_context(openai.DefaultHttpxClient(**PLAIN))
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key=TOKEN, max_retries=0, http_client=plain)


def test_an_answer() -> None:
    """The answer, what spoke, and what it cost."""
    with running(["Hello there, friend."]) as served:
        raw = client(served).chat.completions.with_raw_response.create(model="persona", messages=HELLO)
        answer = raw.parse()

        assert "Hello there, friend." == answer.choices[0].message.content
        assert "stop" == answer.choices[0].finish_reason
        assert "persona:r7" == answer.model
        assert (1, 3, 4) == (
            answer.usage.prompt_tokens,
            answer.usage.completion_tokens,
            answer.usage.total_tokens,
        )
        assert 3 == answer.timings["predicted_n"]
        assert REVISION == raw.headers["x-persona-revision"]
        assert "i-1" == raw.headers["x-persona-interaction"]


def test_a_streamed_answer() -> None:
    """The same in chunks, the interaction named in the last one of the answer."""
    with running(["Hello there, friend."]) as served:
        chunks = list(client(served).chat.completions.create(model="persona", messages=HELLO, stream=True))

        assert "Hello there, friend." == "".join(c.choices[0].delta.content or "" for c in chunks)
        assert "assistant" == chunks[0].choices[0].delta.role
        assert "stop" == chunks[-1].choices[0].finish_reason
        assert {"persona:r7"} == {chunk.model for chunk in chunks}
        assert {"revision": REVISION, "interaction": "i-1"} == chunks[-1].persona


def test_a_conversation_reaches_the_engine_as_it_was_said() -> None:
    """Roles, parts, calls and results become the messages of a prompt."""
    said = [
        {"role": "developer", "content": "Be kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Weather"}, {"type": "text", "text": "in Oslo?"}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
    ]
    with running(["It rains."]) as served:
        client(served).chat.completions.create(model="persona", messages=said, tools=[WEATHER])

        assert (
            Message(role="system", content="Be kind."),
            Message(role="user", content="Weather\nin Oslo?", origin=Origin.USER),
            Message(
                role="assistant",
                tool_calls=(ToolCall(name="get_weather", arguments={"city": "Oslo"}, id="call_1"),),
            ),
            Message(role="tool", content="Rain.", tool_call_id="call_1"),
        ) == served.prompt.messages
        assert (WEATHER,) == served.prompt.tools


def test_sampling_reaches_the_engine() -> None:
    """What the dialect can say about sampling is what the engine is asked."""
    with running(["One two"]) as served:
        client(served).chat.completions.create(
            model="persona",
            messages=HELLO,
            temperature=0.5,
            top_p=0.9,
            seed=7,
            stop=["END", "two"],
            max_completion_tokens=40,
            extra_body={"top_k": 20},
        )
        asked = served.sampling

        assert (0.5, 0.9, 20, 7, ("END", "two"), 40) == (
            asked.temperature,
            asked.top_p,
            asked.top_k,
            asked.seed,
            asked.stop,
            asked.max_tokens,
        )


def test_what_is_not_said_is_drawn_as_the_limits_have_it() -> None:
    """Warm, so that a further answer can be another, and of a length; everything else is off."""
    with running(["Yes."]) as served:
        client(served).chat.completions.create(model="persona", messages=HELLO)

        assert Sampling(max_tokens=1024, temperature=0.7) == served.sampling
    with running(["Yes."], limits=replace(QUICK, temperature=0.3, answer_tokens=50)) as served:
        client(served).chat.completions.create(model="persona", messages=HELLO)

        assert Sampling(max_tokens=50, temperature=0.3) == served.sampling


def test_greedy_is_what_zero_says() -> None:
    """A temperature of 0 is one that was said."""
    with running(["Yes."]) as served:
        client(served).chat.completions.create(model="persona", messages=HELLO, temperature=0)

        assert 0 == served.sampling.temperature


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_no_limit_of_its_own_is_the_servers(field: str) -> None:
    """As with llama.cpp -1 is how a client says nothing; 0 still means nothing at all."""
    with running(["Yes."]) as served:
        client(served).chat.completions.create(model="persona", messages=HELLO, extra_body={field: -1})

        assert 1024 == served.sampling.max_tokens
        with pytest.raises(openai.BadRequestError, match="greater"):
            client(served).chat.completions.create(model="persona", messages=HELLO, extra_body={field: 0})


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("repeat", ["repeat_penalty", "repetition_penalty"])
def test_what_keeps_small_models_from_loops_reaches_the_engine(path: str, repeat: str) -> None:
    """By the names of llama.cpp's server, in each dialect."""
    asked = {"model": "persona", "messages": HELLO, "input": "Hello?", "max_tokens": 9}
    said = {"min_p": 0.1, repeat: 1.2, "frequency_penalty": 0.5, "presence_penalty": -0.5}
    with running(["Yes."]) as served:
        assert 200 == served.post(path, asked | said).status_code
        heard = served.sampling

        assert (0.1, 1.2, 0.5, -0.5) == (
            heard.min_p,
            heard.repeat_penalty,
            heard.frequency_penalty,
            heard.presence_penalty,
        )


def test_calls_come_as_calls() -> None:
    """Calls have ids, JSON arguments and their own end; their markup is in no content."""
    text = (
        "Let me look.\n"
        + call_text("get_weather", city="Oslo")
        + "\n"
        + call_text("get_weather", city="Rome")
    )
    with running([text]) as served:
        answer = client(served).chat.completions.create(model="persona", messages=HELLO, tools=[WEATHER])
        message = answer.choices[0].message

        assert "Let me look." == message.content
        assert "tool_calls" == answer.choices[0].finish_reason
        assert [{"city": "Oslo"}, {"city": "Rome"}] == [
            json.loads(call.function.arguments) for call in message.tool_calls
        ]
        assert 2 == len({call.id for call in message.tool_calls})
        assert [call.id for call in message.tool_calls] == [
            call.id for call in served.desk.turns[0].completion.message.tool_calls
        ]


def test_streamed_calls_are_put_together_by_the_client() -> None:
    """The client's own accumulator makes whole calls of the chunks."""
    text = (
        "Let me look.\n"
        + call_text("get_weather", city="Oslo")
        + "\n"
        + call_text("get_weather", city="Rome")
    )
    with running([text]) as served:
        request = {"model": "persona", "messages": HELLO, "tools": [WEATHER]}
        with client(served).chat.completions.stream(**request) as stream:
            final = stream.get_final_completion()
        calls = final.choices[0].message.tool_calls

        assert "Let me look." == final.choices[0].message.content
        assert [("get_weather", '{"city": "Oslo"}'), ("get_weather", '{"city": "Rome"}')] == [
            (call.function.name, call.function.arguments) for call in calls
        ]


def test_structured_output() -> None:
    """A schema reaches the engine, and the client reads the answer with it."""

    class City(pydantic.BaseModel):
        name: str
        rivers: list[str]

    with running(['{"name": "Paris", "rivers": ["Seine"]}']) as served:
        answer = client(served).chat.completions.parse(model="persona", messages=HELLO, response_format=City)

        assert City(name="Paris", rivers=["Seine"]) == answer.choices[0].message.parsed
        assert {"name", "rivers"} == set(served.sampling.json_schema["properties"])


def test_any_json() -> None:
    """`json_object` holds the answer to an object."""
    with running(["{}"]) as served:
        client(served).chat.completions.create(
            model="persona", messages=HELLO, response_format={"type": "json_object"}
        )

        assert {"type": "object"} == served.sampling.json_schema


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_call_that_must_be_made(choice: object) -> None:
    """The engine is held to a call of the tools in question, and the bare call comes as one."""
    other = tool("other")
    with running(['{"name": "get_weather", "arguments": {"city": "Oslo"}}']) as served:
        answer = client(served).chat.completions.create(
            model="persona", messages=HELLO, tools=[WEATHER, other], tool_choice=choice
        )
        schema = served.sampling.json_schema
        named = [each["properties"]["name"]["const"] for each in schema.get("anyOf", [schema])]

        assert [("get_weather", '{"city": "Oslo"}')] == [
            (call.function.name, call.function.arguments) for call in answer.choices[0].message.tool_calls
        ]
        assert "tool_calls" == answer.choices[0].finish_reason
        assert (["get_weather", "other"] if choice == "required" else ["get_weather"]) == named


def test_no_tools_wanted() -> None:
    """`none` shows the model no tools."""
    with running(["No."]) as served:
        client(served).chat.completions.create(
            model="persona", messages=HELLO, tools=[WEATHER], tool_choice="none"
        )

        assert () == served.prompt.tools


def test_one_call_at_a_time() -> None:
    """Who wants no parallel calls gets the first one."""
    text = call_text("get_weather", city="Oslo") + "\n" + call_text("get_weather", city="Rome") + "\nBye."
    with running([text]) as served:
        answer = client(served).chat.completions.create(
            model="persona", messages=HELLO, tools=[WEATHER], parallel_tool_calls=False
        )

        assert ['{"city": "Oslo"}'] == [c.function.arguments for c in answer.choices[0].message.tool_calls]
        assert 1 == len(served.desk.turns[0].completion.message.tool_calls)


def test_a_cut_answer_says_so() -> None:
    """An answer that reaches max_tokens ends with "length", streamed or not."""
    with running({"Hello?": "one two three four"}) as served:
        request = {"model": "persona", "messages": HELLO, "max_tokens": 2}
        whole = client(served).chat.completions.create(**request)
        *_, last = client(served).chat.completions.create(**request, stream=True)

        assert "one two" == whole.choices[0].message.content
        assert "length" == whole.choices[0].finish_reason == last.choices[0].finish_reason


def test_more_tokens_than_allowed_are_as_many_as_allowed() -> None:
    """A client's default of a hundred thousand tokens is no error."""
    with running(["Yes."]) as served:
        client(served).chat.completions.create(model="persona", messages=HELLO, max_tokens=10**9)

        assert 32768 == served.sampling.max_tokens


@pytest.mark.parametrize(
    ("wrong", "error", "field"),
    [
        ({"model": "gpt-9"}, openai.NotFoundError, "model"),
        ({"n": 2}, openai.BadRequestError, "n"),
        ({"temperature": 3}, openai.BadRequestError, "temperature"),
        ({"frequency_penalty": 2.5}, openai.BadRequestError, "frequency_penalty"),
        ({"extra_body": {"repetition_penalty": 0}}, openai.BadRequestError, "repetition_penalty"),
        ({"max_tokens": -2}, openai.BadRequestError, "max_tokens"),
    ],
)
def test_refusals_are_the_clients_own_errors(wrong: dict, error: type, field: str) -> None:
    """The client raises the error that it has for the status, with the field at fault."""
    with running(["Yes."]) as served, pytest.raises(error) as raised:
        client(served).chat.completions.create(**{"model": "persona", "messages": HELLO, **wrong})

    assert field == raised.value.param


def test_a_wrong_token_is_the_clients_own_error() -> None:
    """401 is an authentication error to the client."""
    with running(["Yes."]) as served, pytest.raises(openai.AuthenticationError):
        client(served).with_options(api_key="wrong").models.list()


def test_models_are_listed() -> None:
    """The client finds the models, each with its revision and base."""
    with running(["Yes."]) as served:
        listed = list(client(served).models.list())
        one = client(served).models.retrieve("persona:r7")

        assert ["persona", "persona:r7"] == [model.id for model in listed]
        assert (REVISION, "smollm2-135m", "persona") == (one.root, one.parent, one.owned_by)
        assert (2048, 2048) == (one.max_model_len, one.context_length)
