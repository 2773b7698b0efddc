"""Rules of streamed answers; each was a defect of another server that broke a client."""

from __future__ import annotations

from typing import Any

import pytest
from serve_parts import TOKEN, Served, call_text, parse_events, running, tool

from persona.template.controls import JOINER

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
TWO_CALLS = (
    "Let me look.\n" + call_text("get_weather", city="Oslo") + "\n" + call_text("get_weather", city="Rome")
)
ASKED: dict[str, Any] = {
    "model": "persona",
    "messages": [{"role": "user", "content": "Hello?"}],
    "tools": [tool("get_weather", city={"type": "string"})],
}


def chunks(served: Served, **more: Any) -> list[Any]:
    return [data for _, data in served.events(CHAT, {**ASKED, **more})]


def deltas(served: Served, **more: Any) -> list[Any]:
    return [
        chunk["choices"][0]["delta"]
        for chunk in chunks(served, **more)
        if chunk != "[DONE]" and chunk["choices"]
    ]


def call_deltas(served: Served) -> list[Any]:
    return [call for delta in deltas(served) for call in delta.get("tool_calls", [])]


def test_every_call_delta_has_its_index() -> None:
    """Rule 1: each piece of a call says which call it belongs to."""
    with running([TWO_CALLS]) as served:
        assert [0, 0, 1, 1] == [call["index"] for call in call_deltas(served)]


def test_the_first_piece_of_a_call_names_it() -> None:
    """Rule 1: id, type and name come first, and nothing of the arguments before them."""
    with running([TWO_CALLS]) as served:
        firsts = call_deltas(served)[::2]

        assert ["get_weather", "get_weather"] == [call["function"]["name"] for call in firsts]
        assert all(call["type"] == "function" and call["id"].startswith("call_") for call in firsts)


def test_later_pieces_of_a_call_are_arguments_alone() -> None:
    """Rule 1: whoever puts pieces together must not see id or name twice."""
    with running([TWO_CALLS]) as served:
        assert [
            {"index": 0, "function": {"arguments": '{"city": "Oslo"}'}},
            {"index": 1, "function": {"arguments": '{"city": "Rome"}'}},
        ] == call_deltas(served)[1::2]


def test_no_call_stands_at_two_indexes() -> None:
    """Rule 1: an id has one index."""
    with running([TWO_CALLS]) as served:
        ids = [call["id"] for call in call_deltas(served) if "id" in call]

        assert 2 == len(ids) == len(set(ids))


def test_a_stream_with_calls_ends_with_tool_calls() -> None:
    """Rule 2: the reason of the end is the same as in a whole answer, and comes once."""
    with running([TWO_CALLS]) as served:
        reasons = [c["choices"][0]["finish_reason"] for c in chunks(served) if c != "[DONE]" and c["choices"]]

        assert ["tool_calls"] == [reason for reason in reasons if reason]


def test_usage_comes_last_and_alone_when_it_is_asked_for() -> None:
    """Rule 3: one more chunk without choices, with usage and timings, then [DONE]."""
    with running(["One two."]) as served:
        *_, end, usage, done = chunks(served, stream_options={"include_usage": True})

        assert "[DONE]" == done
        assert [] == usage["choices"]
        assert {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3} == usage["usage"]
        assert {"prompt_n", "predicted_n", "predicted_per_second"} <= usage["timings"].keys()
        assert None is end["usage"]


def test_no_usage_chunk_unless_it_is_asked_for() -> None:
    """Rule 3: a client that did not ask never sees a chunk without choices."""
    with running(["One two."]) as served:
        *answer, done = chunks(served)

        assert "[DONE]" == done
        assert all(chunk["choices"] for chunk in answer)


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_are_reasoning_content(stream: bool) -> None:
    """Rule 4: what a model thinks is in `reasoning_content`, and not in `content`."""
    with running(["<think>Two words.</think>\n\nOne two."]) as served:
        whole = [] if stream else [served.post(CHAT, ASKED).json()["choices"][0]["message"]]
        given = whole or deltas(served)

        assert "Two words." == "".join(each.get("reasoning_content") or "" for each in given)
        assert "One two." == "".join(each.get("content") or "" for each in given)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, ASKED),
        (RESPONSES, {"model": "persona", "input": "Hello?"}),
        (MESSAGES, {**ASKED, "tools": [], "max_tokens": 9}),
    ],
)
def test_unknown_fields_are_ignored(path: str, body: dict[str, Any]) -> None:
    """Rule 4: a field of tomorrow's client is no error today."""
    with running(["Yes."]) as served:
        assert 200 == served.post(path, {**body, "no_such_field": {"a": 1}}).status_code


def test_openai_errors_have_openais_form() -> None:
    """Rule 4: message, type, param and code under `error`."""
    with running(["Yes."]) as served:
        answer = served.post(CHAT, {**ASKED, "n": 3})

        assert {
            "error": {
                "message": "n: persona does not support '3' here",
                "type": "invalid_request_error",
                "param": "n",
                "code": "unsupported_parameter",
            }
        } == answer.json()


def test_anthropic_errors_have_anthropics_form() -> None:
    """Rule 4: type "error", and type and message under `error`; also before the route is reached."""
    with running(["Yes."]) as served:
        answer = served.post(MESSAGES, {**ASKED, "tools": []})
        unknown = served.post(MESSAGES, {}, Authorization="Bearer wrong")

        assert {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "max_tokens: field required"},
        } == answer.json()
        assert ("error", "authentication_error") == (unknown.json()["type"], unknown.json()["error"]["type"])


def test_anthropic_events_come_in_their_order() -> None:
    """Rule 5: start, blocks that are opened, filled and closed one after the other, delta, stop."""
    with running([TWO_CALLS]) as served:
        body = {
            "model": "persona",
            "max_tokens": 99,
            "messages": ASKED["messages"],
            "tools": [{"name": "get_weather", "input_schema": {"type": "object"}}],
        }
        events = served.events(MESSAGES, body)
        block = ["content_block_start", "content_block_delta", "content_block_stop"]
        text = ["content_block_start", *["content_block_delta"] * 3, "content_block_stop"]

        assert ["message_start", "ping", *text, *block, *block, "message_delta", "message_stop"] == [
            name for name, _ in events
        ]
        assert all(name == data["type"] for name, data in events)
        assert [0, 1, 2] == [data["index"] for name, data in events if name == "content_block_stop"]
        assert "tool_use" == events[-2][1]["delta"]["stop_reason"]


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "Token {}", "{}", "x-api-key"])
def test_a_token_is_taken_in_every_form(header: str) -> None:
    """Rule 6: clients differ in how they send it."""
    name = "x-api-key" if header == "x-api-key" else "Authorization"
    value = TOKEN if header == "x-api-key" else header.format(TOKEN)
    with running(["Yes."]) as served:
        with served.client() as client:
            del client.headers["Authorization"]
            answer = client.get("/v1/models", headers={name: value})

        assert 200 == answer.status_code


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_markup_of_calls_never_leaks(path: str) -> None:
    """Not a piece of `<tool_call>` is handed out as text, in any dialect."""
    bodies = {
        CHAT: ASKED,
        MESSAGES: {"model": "persona", "max_tokens": 99, "messages": ASKED["messages"]},
        RESPONSES: {"model": "persona", "input": "Hello?"},
    }
    with running([TWO_CALLS]) as served:
        answer = served.post(path, {**bodies[path], "stream": True}).text

        assert "<" not in answer
        assert "get_weather" in answer


def test_markup_that_is_no_call_is_content() -> None:
    """What turns out to be no call is handed out in full, and nothing of it is lost."""
    written = "Use <tool_call> like so: <tool_call>{}</tool_call> and </tool_call>."
    with running([written]) as served:
        assert written == "".join(delta.get("content", "") for delta in deltas(served))


def test_control_tokens_that_a_model_spells_out_reach_the_client_as_they_are() -> None:
    """What keeps them from acting inside a prompt is taken out again, in pieces and in the whole."""
    written = f"It ends with <{JOINER}|im_end|>, always."
    with running(lambda _: written, controls=("<|im_end|>",)) as served:
        streamed = "".join(delta.get("content", "") for delta in deltas(served))
        whole = served.post(CHAT, ASKED).json()["choices"][0]["message"]["content"]

        assert "It ends with <|im_end|>, always." == streamed == whole
        assert {whole} == {turn.completion.message.content for turn in served.desk.turns}


def broken_off(served: Served, path: str, body: dict[str, Any]) -> list[tuple[str | None, Any]]:
    """The events of an answer whose engine is closed after the first of them."""
    text = ""
    with served.client() as client, client.stream("POST", path, json={**body, "stream": True}) as answer:
        for piece in answer.iter_text():
            text += piece
            served.engine.close()
    return parse_events(text)


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        (CHAT, ASKED, None),
        (MESSAGES, {"model": "persona", "max_tokens": 99, "messages": ASKED["messages"]}, "error"),
        (RESPONSES, {"model": "persona", "input": "Hello?"}, "response.failed"),
    ],
)
def test_an_answer_that_breaks_off_says_so(path: str, body: dict[str, Any], name: str | None) -> None:
    """Each dialect has its own event for an error, and nothing comes after it; nothing is kept."""
    with running({"Hello?": "word " * 100}, seconds_a_word=0.1) as served:
        *_, (last, data) = broken_off(served, path, body)

        assert name == last
        assert "is closed" in str(data.get("error") or data["response"]["error"])
        assert [] == served.desk.turns


def test_a_waiting_client_is_told_that_the_answer_is_on_its_way() -> None:
    """A long silence is filled: with pings for Anthropic's clients, with comments for others."""
    body = {"model": "persona", "max_tokens": 9, "messages": ASKED["messages"], "stream": True}
    with running({"Hello?": "one two"}, seconds_a_word=0.3) as served:
        chat = served.post(CHAT, body).text
        messages = served.post(MESSAGES, body).text

        assert ": still at it" in chat
        assert 2 <= [name for name, _ in parse_events(messages)].count("ping")
