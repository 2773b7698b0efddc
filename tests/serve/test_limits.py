"""What one client may take, and what happens when it dawdles, floods or leaves."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from serve_parts import QUICK, TOKEN, Served, running, wait_until

from persona.engine.fake import ScriptedEngine
from persona.errors import PromptTooLong

CHAT = "/v1/chat/completions"
ASKED = {"model": "persona", "messages": [{"role": "user", "content": "Hello?"}]}
LONG = " ".join(["word"] * 2000)


def connect(served: Served) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=10)
    connection.settimeout(10)
    return connection


def head(served: Served, **headers: object) -> bytes:
    named = {
        "Host": f"127.0.0.1:{served.port}",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        **headers,
    }
    lines = [f"POST {CHAT} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def closed_after(connection: socket.socket) -> tuple[float, bytes]:
    """Seconds until the server hung up, and what it said."""
    began, said = time.monotonic(), b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionError:
        pass
    return time.monotonic() - began, said


def test_headers_that_do_not_come_are_not_waited_for() -> None:
    """A connection that says nothing, or half a header, is closed."""
    with running(["Yes."]) as served, connect(served) as silent, connect(served) as half:
        half.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nX: ")

        assert 0.5 < closed_after(silent)[0] < 3
        assert closed_after(half)[0] < 3


def test_a_client_that_drips_is_not_waited_for() -> None:
    """Every byte is not a new start: the time is that of all the headers."""
    with running(["Yes."]) as served, connect(served) as dripping:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 5:
                dripping.sendall(b"X")
                time.sleep(0.1)

        assert time.monotonic() - began < 3


def test_a_body_that_does_not_come_is_refused() -> None:
    """408, and the connection is closed if the client goes on."""
    with running(["Yes."]) as served, connect(served) as slow:
        slow.sendall(head(served, **{"Content-Length": 100}) + b'{"model"')
        seconds, said = closed_after(slow)

        assert said.startswith(b"HTTP/1.1 408 ")
        assert seconds < 4


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(chunked: bool) -> None:
    """413, said at once where the length is known and at the limit where it is not."""
    body = json.dumps({**ASKED, "padding": "x" * 300_000}).encode()
    pieces = (body[at : at + 10_000] for at in range(0, len(body), 10_000))
    with running(["Yes."]) as served, served.client(**{"Content-Type": "application/json"}) as client:
        answer = client.post(CHAT, content=pieces if chunked else body)

        assert 413 == answer.status_code
        assert "request_too_large" == answer.json()["error"]["code"]
        assert [] == served.engine.asked


def test_a_flood_without_a_token_costs_no_memory() -> None:
    """Of a hundred megabytes from a stranger nothing is kept, and the owner is answered meanwhile."""
    size = 100 * 2**20
    with running(["Yes."]) as served, connect(served) as stranger:
        before = resident()
        stranger.sendall(head(served, Authorization="Bearer wrong", **{"Content-Length": size}))
        peak, block = before, b"x" * 2**20
        try:
            for _ in range(100):
                stranger.sendall(block)
                peak = max(peak, resident())
        except OSError:
            pass

        assert 200 == served.get("/health").status_code
        assert peak - before < 32 * 2**20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_more_answers_than_allowed_are_put_off() -> None:
    """429 with a time to come back, while those that run are not disturbed; then there is room again."""
    gate = threading.Event()
    with running(lambda _: "Yes." if gate.wait(20) else "") as served:
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(served.post(CHAT, ASKED).status_code)

        given = [threading.Thread(target=ask) for _ in range(4)]
        for thread in given:
            thread.start()
        wait_until(lambda: served.desk.leased == 4)
        refused = served.post(CHAT, ASKED)
        gate.set()
        for thread in given:
            thread.join()

        assert 429 == refused.status_code
        assert "2" == refused.headers["retry-after"]
        assert [200] * 4 == statuses
        assert 200 == served.post(CHAT, ASKED).status_code


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_its_answer(stream: bool) -> None:
    """Within a second nothing is generated any more, the place is free, and nothing was kept."""
    with running({"Hello?": LONG}, seconds_a_word=0.05) as served:
        seconds = []
        while len(seconds) < 3 and min(seconds, default=1) >= 1:  # a busy machine may be late, but not always
            wanted = len(seconds) + 1
            ask_and_leave(served, stream=stream)
            seconds.append(wait_until(lambda: served.engine.cancelled == wanted, 20))  # noqa: B023
        wait_until(lambda: served.desk.leased == 0)

        assert min(seconds) < 1
        assert [] == served.desk.turns


def ask_and_leave(served: Served, *, stream: bool) -> None:
    """Once the engine is at it: who leaves before costs nothing."""
    before = len(served.engine.asked)
    body = json.dumps({**ASKED, "stream": stream}).encode()
    with connect(served) as leaving:
        leaving.sendall(head(served, **{"Content-Length": len(body)}) + body)
        wait_until(lambda: len(served.engine.asked) > before, 20)
        if stream:
            assert leaving.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read_is_left() -> None:
    """An answer that nobody takes off the line is ended, and the owner is answered meanwhile."""
    flood = " ".join(["word" * 40_000] * 50)  # more than the system takes off our hands
    with running({"Hello?": flood}) as served, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects, or it has no effect
        deaf.connect(("127.0.0.1", served.port))
        body = json.dumps({**ASKED, "stream": True}).encode()
        deaf.sendall(head(served, **{"Content-Length": len(body)}) + body)
        wait_until(lambda: len(served.engine.asked) == 1, 20)

        assert open_connections(served) == 1
        wait_until(lambda: open_connections(served) == 0, 20)
        assert 200 == served.get("/health").status_code


def open_connections(served: Served) -> int:
    """Sockets of this process that are connected to the server's port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    mine = f":{served.port:04X}"
    return sum(line.split()[1].endswith(mine) and line.split()[3] == "01" for line in lines)


def test_more_connections_than_allowed_are_closed() -> None:
    """Who opens a thousand does not take the last one from the owner for long."""
    with running(["Yes."], limits=replace(QUICK, connections=8)) as served:
        many = [connect(served) for _ in range(12)]
        try:
            time.sleep(0.2)
            for connection in many:
                connection.settimeout(0.05)
            hung_up = sum(is_closed(connection) for connection in many)
            assert hung_up >= 4
            time.sleep(1.5)
            assert 200 == served.get("/health").status_code
        finally:
            for connection in many:
                connection.close()


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_prompt_that_is_too_long_is_refused_in_words_that_clients_know() -> None:
    """Clients shorten the conversation when they read them."""

    def too_long(_: object) -> str:
        raise PromptTooLong(9000, 8192)

    body = {**ASKED, "max_tokens": 9}
    with running(too_long) as served:
        chat, messages = served.post(CHAT, body), served.post("/v1/messages", body)

        assert (400, "context_length_exceeded") == (chat.status_code, chat.json()["error"]["code"])
        assert 400 == messages.status_code
        assert messages.json()["error"]["message"].startswith(
            "prompt is too long: 9000 tokens > 8192 maximum"
        )


def test_a_model_that_is_being_loaded_is_not_waited_for_without_end() -> None:
    """503 with a time to come back, also from /health, and an answer once it is there."""
    with running(["Yes."], limits=replace(QUICK, loading_seconds=0.5)) as served:
        served.door.opens.clear()
        health, chat = served.get("/health"), served.post(CHAT, ASKED)
        served.door.opens.set()

        assert (503, 503) == (health.status_code, chat.status_code)
        assert "2" == health.headers["retry-after"]
        assert (200, 200) == (served.get("/health").status_code, served.post(CHAT, ASKED).status_code)


def test_long_questions_keep_nobody_out() -> None:
    """While more questions than there is room for take their time, others are let in and answered."""
    gate = threading.Event()
    with running(["Yes."], limits=replace(QUICK, desk_calls=2)) as served:
        served.desk.ask = lambda _name, _arguments: gate.wait(10)  # type: ignore[method-assign]
        asking = [threading.Thread(target=served.get, args=("/persona/status",)) for _ in range(4)]
        for thread in asking:
            thread.start()
        time.sleep(0.2)
        answers = [served.get("/health").status_code, served.post(CHAT, ASKED).status_code]
        gate.set()
        for thread in asking:
            thread.join()

        assert [200, 200] == answers


def test_listeners_take_no_room_from_questions() -> None:
    """Whoever waits for news does not keep a question waiting."""
    limits = replace(QUICK, desk_calls=1, listeners=2)
    with (
        running([], answers={"status": {}}, limits=limits) as served,
        served.client() as client,
        client.stream("GET", "/persona/events"),
        client.stream("GET", "/persona/events"),
    ):
        seconds = []
        for _ in range(3):
            began = time.monotonic()
            assert 200 == served.get("/persona/status").status_code
            seconds.append(time.monotonic() - began)

        assert min(seconds) < 0.5


@pytest.mark.slow
def test_two_hundred_dawdlers_do_not_keep_the_owner_waiting() -> None:
    """The owner is answered at once while 200 connections drip, and all of them are closed in time."""
    with running(lambda _: "Yes.", limits=replace(QUICK, header_seconds=5.0)) as served:
        dawdlers = [connect(served) for _ in range(200)]
        for connection in dawdlers:
            connection.sendall(b"POST / HTTP/1.1\r\nX: ")
        began = time.monotonic()
        assert 200 == served.post(CHAT, ASKED).status_code
        assert time.monotonic() - began < 2
        for connection in dawdlers:
            closed_after(connection)
            connection.close()

        assert time.monotonic() - began < 15


def test_the_fake_engine_is_asked_for_nothing_by_a_refused_request() -> None:
    """What is refused costs no generation and no lease."""
    engine = ScriptedEngine(["Yes."])
    with running(["Yes."], others={"persona:base": engine}) as served:
        served.post(CHAT, {**ASKED, "n": 2})
        served.post(CHAT, {**ASKED, "model": "gpt-9"})

        assert ([], []) == (served.engine.asked, engine.asked)
