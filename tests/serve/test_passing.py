"""Models that are not persona's: passed on byte for byte, and overheard."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from serve_parts import QUICK, TOKEN, Served, call_text, running, tool, wait_until

from persona.engine.fake import Script, ScriptedEngine
from persona.errors import NotKept
from persona.serve.desk import Upstream
from persona.serve.heard import MOST_BYTES, Heard
from persona.serve.limits import Limits
from store.records import Message, ToolCall

MODEL = "gpt-4o"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Why?"}]}
RESPONSES = {"model": MODEL, "input": "Why?"}
MESSAGES = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Why?"}]}
PATHS = [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES), ("/v1/messages", MESSAGES)]


@contextmanager
def chained(
    script: Script, *, seconds_a_word: float = 0.0, limits: Limits = QUICK
) -> Iterator[tuple[Served, Served, ScriptedEngine]]:
    """A server, another one upstream of it, and the engine that answers there."""
    far = ScriptedEngine(script, revision="far", seconds_a_word=seconds_a_word)
    with running([], others={MODEL: far}) as upstream, running([], limits=limits) as near:
        near.desk.beyond = Upstream(url=f"{upstream.url}/v1", key=TOKEN)
        yield near, upstream, far


@pytest.mark.parametrize(("path", "asked"), PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_dialect_is_passed_on_and_overheard(path: str, asked: Any, stream: bool) -> None:
    """Whole or streamed: the answer is the upstream's, and the turn is kept as another model's."""
    with chained(["So it is, and so it was."]) as (near, upstream, far):
        headers = {"anthropic-version": "2023-06-01"} if "messages" in path else {}
        answer = near.post(path, {**asked, "stream": stream}, **headers)
        (turn,), (theirs,) = near.desk.turns, upstream.desk.turns

    assert 200 == answer.status_code
    assert ("text/event-stream" in answer.headers["content-type"]) is stream
    assert MODEL in answer.text
    assert "So it is, and so it was." == turn.completion.message.content
    assert (None, "tests", (Message(role="user", content="Why?"),)) == (
        turn.revision,
        turn.source,
        turn.prompt.messages,
    )
    assert theirs.completion.message == turn.completion.message
    assert 1 == len(far.asked)
    assert [] == near.engine.asked


@pytest.mark.parametrize(("path", "asked"), PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_off_at_its_length_is_kept(path: str, asked: Any, stream: bool) -> None:
    """As far as it came, in every dialect: the client got no more."""
    most = "max_output_tokens" if "responses" in path else "max_tokens"
    with chained(["So it is, and so it was."]) as (near, *_):
        near.post(path, {**asked, most: 3, "stream": stream})
        (turn,) = near.desk.turns

    assert "So it is," == turn.completion.message.content.strip()


@pytest.mark.parametrize(("path", "asked"), PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_calls_are_overheard(path: str, asked: Any, stream: bool) -> None:
    """A call that the other model made is kept as a call, arguments and all."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools: dict[str, Any] = {
        "/v1/chat/completions": [tool("look", city={"type": "string"})],
        "/v1/responses": [{"type": "function", "name": "look", "parameters": parameters}],
        "/v1/messages": [{"name": "look", "input_schema": parameters}],
    }
    with chained(["Let me see. " + call_text("look", city="Köln")]) as (near, *_):
        near.post(path, {**asked, "tools": tools[path], "stream": stream})
        (turn,) = near.desk.turns

    (call,) = turn.completion.message.tool_calls
    assert ("look", {"city": "Köln"}) == (call.name, call.arguments)
    assert call.id
    assert "Let me see." == turn.completion.message.content.strip()


def test_the_bytes_are_the_upstreams() -> None:
    """Nothing is added, left out or put in other words on the way."""
    body = (
        b'data: {"choices":[{"index":0,"delta":{"content":"H\xc3\xa9"}}],"odd": 1 }\r\n\r\ndata: [DONE]\n\n'
    )
    with raw_upstream(body, content_type="text/event-stream; charset=utf-8") as (url, _), running([]) as near:
        near.desk.beyond = Upstream(url=url)
        answer = near.post("/v1/chat/completions", {**CHAT, "stream": True})
        wait_until(lambda: bool(near.desk.turns))

    assert body == answer.content
    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert "Hé" == near.desk.turns[0].completion.message.content


def test_the_clients_token_stays_here() -> None:
    """The upstream sees its own key, or none, and never the token that opens this persona."""
    seen = []
    for key in ("their-key", ""):
        with raw_upstream(b"{}") as (url, requests), running([]) as near:
            near.desk.beyond = Upstream(url=url, key=key)
            near.post("/v1/chat/completions", CHAT, cookie="a=b")
        seen += requests

    assert TOKEN not in b"".join(seen).decode()
    assert b"authorization: bearer their-key" in seen[0].lower()
    assert b"authorization" not in seen[1].lower()
    assert b"cookie" not in seen[0].lower()
    assert json.loads(seen[0].partition(b"\r\n\r\n")[2]) == CHAT


def test_pieces_come_as_they_are_said() -> None:
    """A streamed answer is not held back: its beginning is there long before its end."""
    with chained(["word " * 40], seconds_a_word=0.02) as (near, *_), near.client() as client:  # noqa: SIM117
        with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as answer:
            chunks = answer.iter_raw()
            next(chunk for chunk in chunks if b"word" in chunk)
            kept_by_then = len(near.desk.turns)
            list(chunks)

    assert 0 == kept_by_then
    assert 1 == len(near.desk.turns)


ENDS = {"completions": b"[DONE]", "responses": b"response.completed", "messages": b"message_stop"}


@pytest.mark.parametrize(("path", "asked"), PATHS)
def test_the_end_of_a_stream_is_handed_out_when_it_is_kept(path: str, asked: Any) -> None:
    """A client that reads no further than the last event has been remembered by then."""
    received: list[bytes] = []
    by_then: list[bytes] = []

    def keep(_: object) -> str:
        time.sleep(0.2)  # what was sent before this has arrived
        by_then.append(b"".join(received))
        return "i-1"

    with chained(["So it is."]) as (near, *_), near.client() as client:
        near.desk.keep = keep  # type: ignore[method-assign]
        with client.stream("POST", path, json={**asked, "stream": True}) as answer:
            received += answer.iter_raw()  # one after the other
    end = ENDS[path.rpartition("/")[2]]

    assert [False] == [end in part for part in by_then]
    assert end in b"".join(received)


def test_an_end_that_comes_in_pieces_is_one() -> None:
    """However the network cuts it; and what is only said to be an end is none."""
    near_end = b"}\n\ndata: [DONE]\n\n"
    for cut in range(len(near_end)):
        heard = Heard()
        heard.take(b'data: {"said":"\\ndata: [DONE]"' + near_end[:cut])
        before = heard.ends
        heard.take(near_end[cut:])

        assert heard.ends
        assert before is (b"[DONE]" in near_end[:cut])


def test_tokens_of_another_model_are_counted_there() -> None:
    """Clients ask for the length of a prompt wherever its answer comes from."""
    with chained([]) as (near, upstream, _):
        body = {"model": MODEL, "messages": MESSAGES["messages"]}
        here = near.post("/v1/messages/count_tokens", body)
        there = upstream.post("/v1/messages/count_tokens", body)

    assert 200 == here.status_code == there.status_code
    assert here.json() == there.json()


def test_an_answer_that_comes_packed_is_handed_on_with_its_packing() -> None:
    """A server that packs although nobody asked it to: the client can read it."""
    said = {"choices": [{"index": 0, "message": {"content": "Yes."}}]}
    packed = gzip.compress(json.dumps(said).encode())
    with raw_upstream(packed, more="content-encoding: gzip\r\n") as (url, _), running([]) as near:
        near.desk.beyond = Upstream(url=url)

        assert said == near.post("/v1/chat/completions", CHAT).json()


def test_an_upstream_that_breaks_off(caplog) -> None:
    """The client sees half an answer for what it is; nothing is kept, and the log has a line of it."""
    half = b'data: {"choices":[{"index":0,"delta":{"content":"H"}}]}\n\n'
    with (
        caplog.at_level(logging.WARNING, logger="persona"),
        raw_upstream(half, more="content-length: 1000\r\n") as (url, _),
        running([]) as near,
    ):
        near.desk.beyond = Upstream(url=url)
        with pytest.raises(httpx2.RemoteProtocolError):
            near.post("/v1/chat/completions", {**CHAT, "stream": True})
        wait_until(lambda: "broke off" in caplog.text)

    assert [] == near.desk.turns
    assert "Traceback" not in caplog.text


def test_a_client_that_leaves_ends_the_upstreams_answer() -> None:
    """Who stops reading stops the other server too, and half an answer is not kept."""
    with chained(["word " * 400], seconds_a_word=0.02) as (near, _, far):
        with (
            near.client() as client,
            client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as answer,
        ):
            next(answer.iter_raw())
        wait_until(lambda: far.cancelled == 1, 3.0)

        assert [] == near.desk.turns


def test_what_passes_through_is_use_as_long_as_it_lasts() -> None:
    """The desk knows of it until its end, until its client leaves, and until the other server fails."""
    with chained(["word " * 400], seconds_a_word=0.02) as (near, *_):
        with (
            near.client() as client,
            client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as answer,
        ):
            next(answer.iter_raw())
            during = near.desk.passed
        wait_until(lambda: near.desk.passed == 0, 3.0)
        near.desk.beyond = Upstream(url="http://127.0.0.1:1/v1")
        failed = near.post("/v1/chat/completions", CHAT)

        assert (1, 502, 0) == (during, failed.status_code, near.desk.passed)


@pytest.mark.parametrize(("path", "asked"), PATHS)
def test_a_stop_is_no_error(path: str, asked: Any, caplog) -> None:
    """Who stops an answer that has begun leaves no traceback in the log, and no place taken."""
    with (
        caplog.at_level(logging.DEBUG),
        chained(["word " * 400], seconds_a_word=0.02) as (near, _, far),
    ):
        with near.client() as client, client.stream("POST", path, json={**asked, "stream": True}) as answer:
            next(answer.iter_raw())
        wait_until(lambda: far.cancelled == 1, 3.0)
        wait_until(lambda: "persona_answers_running 0.0" in near.get("/metrics").text, 3.0)

    assert [] == [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert "Traceback" not in caplog.text


SAID = b'{"choices":[{"index":0,"message":{"content":"Yes."}}]}'
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
LOOK = {"model": MODEL, "messages": [{"role": "user", "content": [IMAGE]}]}


def test_what_persona_would_refuse_is_passed_on() -> None:
    """A field that persona does not support is the upstream's to judge; the turn is only counted."""
    with raw_upstream(SAID) as (url, requests), running([]) as near:
        near.desk.beyond = Upstream(url=url)
        answer = near.post("/v1/chat/completions", {**CHAT, "n": 3})
        metrics = near.get("/metrics").text

    assert (200, 1, []) == (answer.status_code, len(requests), near.desk.turns)
    assert "persona_not_read_total 1.0" in metrics
    (missed,) = near.desk.missed
    assert "tests: a request could not be read: n: " in missed


def test_what_is_missed_is_said_once_for_each_reason(caplog) -> None:
    """A conversation that goes on behind an image is counted turn by turn, and is one line in the log."""
    longer = [*LOOK["messages"], {"role": "assistant", "content": "Yes."}, *CHAT["messages"]]
    later = {"model": MODEL, "messages": [*CHAT["messages"], *longer]}
    with (
        caplog.at_level(logging.WARNING, logger="persona"),
        raw_upstream(SAID) as (url, _),
        running([]) as near,
    ):
        near.desk.beyond = Upstream(url=url)
        for body in (LOOK, later, LOOK, {**CHAT, "n": 3}, CHAT):
            near.post("/v1/chat/completions", body)
        metrics = near.get("/metrics").text

    assert "persona_not_read_total 4.0" in metrics
    assert (4, 1) == (len(near.desk.missed), len(near.desk.turns))
    about_images, about_n = [record.getMessage() for record in caplog.records]
    assert "image_url" in about_images
    assert "AAAA" not in about_images
    assert "n: " in about_n


def test_nothing_is_missed_that_nobody_wants_kept() -> None:
    """A wish not to be remembered, and a question that the upstream refuses itself, are no loss."""
    with raw_upstream(SAID) as (url, _), running([]) as near:
        near.desk.beyond = Upstream(url=url)
        near.post("/v1/chat/completions", LOOK, **{"x-persona-keep": "no"})
        with raw_upstream(b"{}", status="400 Bad Request") as (refusing, _):
            near.desk.beyond = Upstream(url=refusing)
            assert 400 == near.post("/v1/chat/completions", LOOK).status_code

    assert [] == near.desk.missed == near.desk.turns


def test_an_answer_that_cannot_be_read_is_missed(caplog) -> None:
    """What the upstream says in a form of its own reaches the client; its loss is counted and said."""
    with (
        caplog.at_level(logging.WARNING, logger="persona"),
        raw_upstream(b"[1]") as (url, _),
        running([]) as near,
    ):
        near.desk.beyond = Upstream(url=url)
        answers = [near.post("/v1/chat/completions", CHAT).content for _ in range(2)]

    assert [b"[1]", b"[1]"] == answers
    assert 2 == len(near.desk.missed)
    assert 1 == len(caplog.records)


def test_the_query_goes_with_it() -> None:
    """Some clients say in the address what they want: Claude Code asks for `?beta=true`."""
    with raw_upstream(SAID) as (url, requests), running([]) as near:
        near.desk.beyond = Upstream(url=url)
        near.post("/v1/messages?beta=true&a=b%20c", MESSAGES)
        near.post("/v1/chat/completions", CHAT)

    assert b"POST /v1/messages?beta=true&a=b%20c HTTP" in requests[0]
    assert b"POST /v1/chat/completions HTTP" in requests[1]


def test_what_is_passed_on_takes_a_place_and_gives_it_back() -> None:
    """The limit of answers under way holds for other models too: one too many is put off, none is lost."""
    limits = replace(QUICK, answers=1)
    with (
        chained(["word " * 400, *["Yes."] * 4], seconds_a_word=0.02, limits=limits) as (near, _, far),
        near.client() as client,
    ):
        with client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True}) as answer:
            chunks = answer.iter_raw()  # which ends the stream when it is let go of
            next(chunks)
            busy = near.post("/v1/chat/completions", CHAT)
        wait_until(lambda: far.cancelled == 1, 3.0)
        wait_until(lambda: "persona_answers_running 0.0" in near.get("/metrics").text, 3.0)
        after = [near.post("/v1/chat/completions", CHAT).status_code for _ in range(2)]
        url = near.desk.beyond.url
        near.desk.beyond = Upstream(url="http://127.0.0.1:1/v1")
        away = [near.post("/v1/chat/completions", CHAT).status_code for _ in range(2)]
        near.desk.beyond = Upstream(url=url, key="wrong")
        refused = near.post("/v1/chat/completions", CHAT).status_code

    assert (429, "rate_limit_exceeded") == (busy.status_code, busy.json()["error"]["code"])
    assert busy.headers["retry-after"]
    assert ([200, 200], [502, 502], 401) == (after, away, refused)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions"])
def test_what_only_other_models_do_is_passed_on(path: str) -> None:
    """Documents are looked up and code is completed with a model of the upstream's; nothing of it is kept."""
    body = {"model": "nomic-embed-text", "input": ["a"], "prompt": "def f("}
    vector = b'{"data":[{"embedding":[0.5]}]}'
    with raw_upstream(vector) as (url, requests), running([]) as near:
        alone = near.post(path, body)
        near.desk.beyond = Upstream(url=url, key="theirs")
        answer = near.post(path, body)
        own = near.post(path, {**body, "model": "persona"})
        unnamed = near.post(path, {"input": "a"})

    assert (200, vector) == (answer.status_code, answer.content)
    assert f"POST {path} HTTP".encode() in requests[0]
    assert json.loads(requests[0].partition(b"\r\n\r\n")[2]) == body
    assert 1 == len(requests)
    assert [] == near.desk.turns == near.desk.missed
    for refused in (alone, own, unnamed):
        assert (400, "model") == (refused.status_code, refused.json()["error"]["param"])
    assert "[upstream]" in own.json()["error"]["message"]


def test_the_upstreams_refusals_come_back() -> None:
    """Its status and its words are the client's to read, and nothing is kept."""
    with chained([]) as (near, *_):
        near.desk.beyond = Upstream(url=near.desk.beyond.url, key="wrong")
        answer = near.post("/v1/chat/completions", CHAT)

    assert (401, []) == (answer.status_code, near.desk.turns)


def test_an_upstream_that_is_not_there() -> None:
    """The client hears at once that nobody answers there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with running([]) as near:
            near.desk.beyond = Upstream(url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
            answer = near.post("/v1/chat/completions", CHAT)

    assert (502, "upstream_unreachable") == (answer.status_code, answer.json()["error"]["code"])


@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_or_shall_not_be_kept(stream: bool) -> None:
    """A full disk or a wish not to be remembered change nothing for the client."""
    with chained(["Because.", "Because."]) as (near, *_):
        wished = near.post("/v1/chat/completions", {**CHAT, "stream": stream}, **{"x-persona-keep": "no"})
        kept = list(near.desk.turns)
        near.desk.trouble["keep"] = NotKept("the disk is full")
        full = near.post("/v1/chat/completions", {**CHAT, "stream": stream})

    assert [] == kept
    assert [200, 200] == [wished.status_code, full.status_code]
    assert "Because." in full.text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"not json",
        b"[1]",
        b'{"choices": "none"}',
        b'{"choices":[{"index":0,"message":{"content":null}}]}',
        b'{"object":"response","output":[{"type":"message"}]}',
        b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{cut"}}]}}]}',
        b'data: {"type":"message_start"}\n\ndata: {"type":"content_block_delta","index":7,"delta":{}}\n\n',
        b'{"choices":[{"message":{"content":"' + b"x" * MOST_BYTES + b'"}}]}',
    ],
)
def test_what_cannot_be_read_is_no_answer(data: bytes) -> None:
    """Never half an answer, and never a guess."""
    heard = Heard()
    heard.take(data)

    assert heard.message() is None


def test_several_choices_are_the_first_one() -> None:
    """Calls in pieces come together by their index; other choices are left out."""
    heard = Heard()
    for delta in (
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "g", "arguments": ""}}]},
    ):
        heard.take(b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n")
    heard.take(b'data: {"choices":[{"index":1,"delta":{"content":"other"}}]}\n\ndata: [DONE]\n\n')

    calls = (ToolCall(id="c1", name="f", arguments={"a": 1}), ToolCall(id="c2", name="g", arguments={}))
    assert Message(role="assistant", tool_calls=calls) == heard.message()


@contextmanager
def raw_upstream(
    body: bytes, *, content_type: str = "application/json", more: str = "", status: str = "200 OK"
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives every request these bytes; and what it was sent."""
    import threading

    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                sent = connection.recv(65536)
                head, _, begun = sent.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(begun) < length:
                    begun += connection.recv(65536)
                requests.append(head + b"\r\n\r\n" + begun)
                head_of_it = f"content-type: {content_type}\r\n{more}connection: close"
                said = f"HTTP/1.1 {status}\r\n{head_of_it}\r\n\r\n"
                connection.sendall(said.encode() + body)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
