"""What stands in front of every route: a matrix of probes, made from the routes themselves."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from typing import Any

import pytest
from serve_parts import TOKEN, Exchanged, exchange, running
from starlette.routing import Route

from persona.engine.fake import ScriptedEngine
from persona.serve.app import create_app
from persona.serve.desk import Visitor
from persona.serve.fake_desk import FakeDesk, FakeDoor
from persona.serve.limits import Access, Limits

PORT = 7437
HOME = f"127.0.0.1:{PORT}"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")
FOREIGN_HOSTS: tuple[tuple[str, ...], ...] = (
    ("evil.example",),
    (f"evil.example:{PORT}",),
    (f"127.0.0.1.nip.io:{PORT}",),
    (f"localhost.evil.example:{PORT}",),
    (f"user@127.0.0.1:{PORT}",),
    ("127.0.0.1:1",),
    ("127.0.0.1",),
    ("",),
    (),
    (HOME, "evil.example"),
)
FOREIGN_ORIGINS = ("https://evil.example", "null", f"http://127.0.0.1:{PORT}", "")
WRONG_TOKENS: tuple[dict[str, str], ...] = (
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": "Bearer wrong"},
    {"authorization": f"Bearer {TOKEN}x"},
    {"authorization": f"Bearer {TOKEN[:-1]}"},
    {"authorization": f"Basic {TOKEN}"},
    {"x-api-key": "wrong"},
    {"cookie": f"token={TOKEN}"},
    {"x-api-key": "tökén"},
)
FOREIGN_TYPES = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


def application() -> Any:
    desk = FakeDesk({"persona:r7": ScriptedEngine(lambda _: "Yes.")}, answers={"status": {}})
    door = FakeDoor({TOKEN: Visitor(name="tests", desk=desk)})
    return create_app(
        door, access=Access(hosts=frozenset({"lan.example"}), origins=frozenset({"app://mine"}))
    )


APP = application()


def paths() -> list[str]:
    """Every route, with something for its parameters, and places where there is none."""
    filled = [
        route.path.replace("{id:path}", "persona").replace("{name}", "status")
        for route in APP.routes
        if isinstance(route, Route)
    ]
    return [
        *filled,
        "/",
        "/docs",
        "/openapi.json",
        "/v1",
        "/v1/chat/completions/",
        "//health",
        "/persona/../health",
    ]


def probe(
    path: str,
    method: str = "GET",
    *,
    app: Any = APP,
    hosts: tuple[str, ...] = (HOME,),
    origin: str | None = None,
    token: dict[str, str] | None = None,
    media_type: str | None = "application/json",
    body: bytes = b"{}",
) -> Exchanged:
    """The answer of the application to exactly these headers."""
    named = {"authorization": f"Bearer {TOKEN}"} if token is None else token
    if origin is not None:
        named = {**named, "origin": origin}
    if media_type is not None:
        named = {**named, "content-type": media_type}
    headers = [("host", host) for host in hosts] + list(named.items())
    return asyncio.run(exchange(app, method, path, headers, body, port=PORT))


def test_no_route_answers_a_stranger() -> None:
    """Every route and method, also where there is none: each wrong Host, Origin, token or type is refused
    with its status, whatever else is right, and no answer lets another origin read it.
    """
    probes = Counter[int]()
    for path, method in itertools.product(paths(), METHODS):
        wrong = [({"hosts": hosts}, {403}) for hosts in FOREIGN_HOSTS]
        wrong += [({"origin": origin}, {403}) for origin in FOREIGN_ORIGINS]
        wrong += [({"token": token}, {401}) for token in WRONG_TOKENS]
        if method in ("POST", "PUT", "DELETE", "PATCH"):
            wrong += [({"media_type": media_type or None}, {415}) for media_type in FOREIGN_TYPES]
        for what, statuses in wrong:
            answer = probe(path, method, **what)
            probes[answer.status] += 1
            assert answer.status in statuses, (path, method, what)
            assert not [name for name in answer.headers if name.startswith("access-control")]

    assert probes.total() >= 1000
    assert {401, 403, 415} == set(probes)


def test_two_faults_are_no_way_in() -> None:
    """What is wrong in two ways is refused as well."""
    for path, hosts, token in itertools.product(paths()[:4], FOREIGN_HOSTS, WRONG_TOKENS):
        assert (
            403
            == probe(path, "POST", hosts=hosts, token=token, media_type="text/plain", origin="null").status
        )


@pytest.mark.parametrize("path", paths())
def test_the_owner_is_never_refused_for_who_asks(path: str) -> None:
    """With the right token on the right host no route says 401, 403 or 5xx: the probes do test something."""
    for method in METHODS:
        status = probe(path, method).status

        assert status in (200, 400, 404, 405), method


@pytest.mark.parametrize("method", METHODS)
def test_no_browser_is_told_that_it_may(method: str) -> None:
    """A preflight gets no header that lets it through, and its path decides nothing."""
    for path in paths():
        answer = probe(path, method, origin="https://evil.example")

        assert 403 == answer.status
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_loopback_names_with_the_bound_port_are_ours(host: str) -> None:
    """The server is reached by each of its names."""
    assert 200 == probe("/health", hosts=(f"{host}:{PORT}",)).status


def test_hosts_and_origins_can_be_allowed() -> None:
    """What the owner allows is let through, exactly as it was written."""
    assert 200 == probe("/health", hosts=("lan.example",)).status
    assert 200 == probe("/health", origin="app://mine").status
    assert 403 == probe("/health", hosts=("lan.example:99",)).status
    assert 403 == probe("/health", origin="app://mine/").status


def test_a_refusal_says_what_would_allow_it() -> None:
    """Whoever set the server up finds the setting in what another machine, or a page, was told."""
    host = json.loads(probe("/health", hosts=("192.168.1.5:7437",)).body)["error"]["message"]
    origin = json.loads(probe("/health", origin="https://chat.example").body)["error"]["message"]
    missing = json.loads(probe("/health", hosts=()).body)["error"]["message"]

    assert "'192.168.1.5:7437'" in host
    assert "`hosts` under [serve]" in host
    assert "`origins` under [serve]" in origin
    assert "Host is missing" == missing


ALLOWED = "app://mine"


def ask_first(path: str, *, origin: str | None, app: Any = APP, **more: str) -> Exchanged:
    """What a browser asks before a page may post JSON with a token: without either."""
    headers = {"access-control-request-method": "POST", **more}
    return probe(path, "OPTIONS", app=app, origin=origin, token=headers, media_type=None, body=b"")


def cors(answer: Exchanged) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in answer.headers.items()
        if name.startswith("access-control-")
    }


@pytest.mark.parametrize("path", paths())
def test_a_browser_may_ask_for_an_allowed_page(path: str) -> None:
    """Before any token, and alike for every path, also where there is nothing: that tells of no route."""
    wanted = "authorization, content-type, x-stainless-lang"
    answer = ask_first(path, origin=ALLOWED, **{"access-control-request-headers": wanted})

    assert (204, b"", "Origin") == (answer.status, answer.body, answer.headers["vary"])
    assert {
        "allow-origin": ALLOWED,
        "allow-methods": "GET, POST",
        "allow-headers": wanted,
        "max-age": "600",
        "expose-headers": "Retry-After, X-Persona-Interaction, X-Persona-Revision",
    } == cors(answer)


def test_a_page_from_the_internet_may_reach_this_machine_if_allowed() -> None:
    """Browsers ask once more before a page that is not from here speaks to a private address."""
    asks = {"access-control-request-private-network": "true"}

    assert "true" == cors(ask_first("/health", origin=ALLOWED, **asks))["allow-private-network"]
    assert "allow-private-network" not in cors(ask_first("/health", origin=ALLOWED))


@pytest.mark.parametrize("wanted", ["", "a b", "x\u00e9", "*", "a,", "a" * 5000, ", ".join("a" * 65)])
def test_what_no_browser_would_want_to_send_is_not_said_back(wanted: str) -> None:
    """Only names of headers are repeated, and not without end."""
    answer = ask_first("/health", origin=ALLOWED, **{"access-control-request-headers": wanted})

    assert 204 == answer.status
    assert "allow-headers" not in cors(answer)


@pytest.mark.parametrize("origin", [*FOREIGN_ORIGINS, None])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/nowhere"])
def test_no_browser_may_ask_for_another_page(path: str, origin: str | None) -> None:
    """Who names no allowed origin is a stranger, whatever else a browser would say."""
    asks = {"access-control-request-private-network": "true"}
    answer = ask_first(path, origin=origin, **asks)

    assert (401 if origin is None else 403) == answer.status
    assert {} == cors(answer)


def test_asking_first_is_no_way_in() -> None:
    """On another host, or by another method, what looks like a browser's question needs a token."""
    asks = {"access-control-request-method": "POST"}
    for method in METHODS:
        wrong_host = probe("/health", method, origin=ALLOWED, token=asks, hosts=("evil.example",))
        answer = probe("/health", method, origin=ALLOWED, token=asks)

        assert (403, {}) == (wrong_host.status, cors(wrong_host))
        assert (204 if method == "OPTIONS" else 401) == answer.status
    assert 401 == probe("/health", "OPTIONS", origin=ALLOWED, token={}).status


def test_an_allowed_page_reads_answers_and_refusals() -> None:
    """Its token still decides; it can read why it was refused, and what was kept of its answer."""
    body = json.dumps({"model": "persona", "messages": [{"role": "user", "content": "Why?"}]}).encode()
    answer = probe("/v1/chat/completions", "POST", origin=ALLOWED, body=body)
    refused = probe("/v1/chat/completions", "POST", origin=ALLOWED, token={}, body=body)
    nowhere = probe("/nowhere", origin=ALLOWED)
    of_none = probe("/v1/chat/completions", "POST", body=body)

    assert [200, 401, 404, 200] == [each.status for each in (answer, refused, nowhere, of_none)]
    for each in (answer, refused, nowhere):
        assert (ALLOWED, "Origin") == (cors(each)["allow-origin"], each.headers["vary"])
        assert "X-Persona-Interaction" in cors(each)["expose-headers"]
        assert "allow-credentials" not in cors(each)
    assert {} == cors(of_none)


def test_a_page_streams_an_answer() -> None:
    """Over a real connection: its browser asks, then the page does, and may read the events."""
    body = {"model": "persona", "messages": [{"role": "user", "content": "Why?"}], "stream": True}
    asks = {"Origin": ALLOWED, "Access-Control-Request-Method": "POST"}
    with running(["Because."], access=Access(origins=frozenset({ALLOWED}))) as served:
        with served.client(Origin=ALLOWED) as client:
            client.headers.pop("authorization")
            asked = client.options("/v1/chat/completions", headers=asks)
        answer = served.post("/v1/chat/completions", body, Origin=ALLOWED)

    assert (204, b"") == (asked.status_code, asked.content)
    assert [ALLOWED] * 2 == [each.headers["access-control-allow-origin"] for each in (asked, answer)]
    assert "Because." in answer.text


def test_two_origins_are_read_by_neither() -> None:
    """A browser names one; who names two is no browser."""
    app = application()
    named = [("host", HOME), ("authorization", f"Bearer {TOKEN}"), ("origin", ALLOWED), ("origin", ALLOWED)]
    answer = asyncio.run(exchange(app, "GET", "/health", named, b"", port=PORT))

    assert {} == cors(answer)


def test_a_body_by_another_method_has_to_be_json_too() -> None:
    """A form that is sent along with a GET is refused as one that is posted."""
    with running(["Yes."]) as served, served.client() as client:
        answer = client.request("GET", "/health", content=b"a=b", headers={"Content-Type": "text/plain"})

        assert 415 == answer.status_code


def test_refusals_have_a_form_that_clients_read() -> None:
    """Nothing but JSON, also where there is no route and no such method."""
    for path, method in (("/nowhere", "GET"), ("/v1/models", "DELETE"), ("/v1/chat/completions", "GET")):
        answer = probe(path, method)

        assert "application/json" == answer.headers["content-type"]
        assert {"message", "type", "param", "code"} == json.loads(answer.body)["error"].keys()
        assert (404 if path == "/nowhere" else 405) == answer.status


def test_answers_are_not_stored_or_guessed_at() -> None:
    """No cache keeps what was said, and no browser takes it for something else."""
    for path in ("/health", "/nowhere"):
        headers = probe(path).headers

        assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])


def test_a_web_socket_is_closed() -> None:
    """There is nothing to talk to, and no check to get around."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(APP({"type": "websocket", "path": "/health", "headers": []}, None, send))

    assert [{"type": "websocket.close", "code": 1008}] == sent


def test_tokens_open_their_own_desk() -> None:
    """Each client speaks to the desk of its own token, under its own name."""
    engines = [ScriptedEngine(["Mine."]), ScriptedEngine(["Yours."])]
    desks = [FakeDesk({"persona:r7": engine}) for engine in engines]
    door = FakeDoor({f"token-{n}": Visitor(name=f"client-{n}", desk=desk) for n, desk in enumerate(desks)})
    body = json.dumps({"model": "persona", "messages": [{"role": "user", "content": "Whose?"}]}).encode()

    app = create_app(door, limits=Limits())
    for n in (0, 1):
        token = {"authorization": f"Bearer token-{n}"}
        assert 200 == probe("/v1/chat/completions", "POST", app=app, token=token, body=body).status

    assert [["client-0"], ["client-1"]] == [[turn.source for turn in desk.turns] for desk in desks]
