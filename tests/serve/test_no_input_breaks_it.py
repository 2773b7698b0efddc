"""Bodies that no client would send, and many that one might: never a 5xx, never a traceback."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serve_parts import TOKEN, call_text, exchange

from persona.engine.fake import ScriptedEngine
from persona.serve.app import create_app
from persona.serve.desk import Visitor
from persona.serve.fake_desk import FakeDesk, FakeDoor

PORT = 7437
HEADERS = [
    ("host", f"127.0.0.1:{PORT}"),
    ("authorization", f"Bearer {TOKEN}"),
    ("content-type", "application/json"),
]
RECORDED = [json.loads(file.read_text()) for file in (Path(__file__).parent / "recorded").glob("*.json")]
CALL = {"function": {"name": "f", "arguments": "{}"}}
EVERYTHING = {
    "model": "persona",
    "messages": [{"role": "user", "content": "x"}],
    "stop": ["a"],
    "seed": 7,
    "top_k": 4,
    "top_p": 0.5,
    "temperature": 1.0,
    "max_tokens": -1,
    "min_p": 0.1,
    "repeat_penalty": 1.1,
    "frequency_penalty": 0.5,
    "presence_penalty": -0.5,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
    "tool_choice": "auto",
}
OWN = [
    {"path": "/persona/feedback", "body": {"kind": "edit", "last": True, "content": "x", "over": ["y"]}},
    {"path": "/persona/feedback", "body": {"kind": "edit", "interaction": "i-1", "tool_calls": [CALL]}},
    {"path": "/persona/prefer", "body": {"text": "Be brief."}},
    {"path": "/v1/chat/completions", "body": EVERYTHING},
]
VALID = [{"path": each["path"], "body": each["body"]} for each in (*RECORDED, *OWN)]
BARE_CALL = '{"name": "f", "arguments": {}}'
REPLIES = ("", "Yes.", "<think>a</think>b", "a" + call_text("f", a=1), "<tool_call>", BARE_CALL)
WORDS = ("text", "image_url", "tool", "assistant", "system", "function", "none", "persona:r7", "\u0000", "{}")

# Values that are at home in no field, and some that nearly are.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(WORDS),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.text(max_size=3)), max_size=3),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, its root left out."""
    keys: Any = ()
    if isinstance(value, dict):
        keys = value
    elif isinstance(value, list):
        keys = range(len(value))
    return [place for key in keys for place in ((*at, key), *places(value[key], (*at, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A request that would be answered, changed in a few places."""
    request = draw(st.sampled_from(VALID))
    body = copy.deepcopy(request["body"])
    for _ in range(draw(st.integers(1, 3))):
        known = places(body)
        if not known:
            break
        *path, last = draw(st.sampled_from(known))
        holder = body
        for key in path:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(ODD)
        elif isinstance(holder, dict) and draw(st.booleans()):
            holder[draw(st.text(max_size=6))] = draw(ODD)
        else:
            del holder[last]
    return request["path"], json.dumps(body).encode()


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)


BROKEN = (b"", b"[]", b"null", b"NaN", b'"x"', b"{", b"[" * 5000, b'{"a":1e999}', b'{"model":"\\ud800"}')
ANY_BODY = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(BROKEN),
    st.recursive(ODD, deeper, max_leaves=8).map(lambda value: json.dumps(value).encode()),
)
ANY = st.tuples(st.sampled_from(sorted({each["path"] for each in VALID})), ANY_BODY)


class Speaker:
    """A model that says everything in turn."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self, _: object) -> str:
        self._given += 1
        return REPLIES[self._given % len(REPLIES)]


class Harness:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.desk = FakeDesk({"persona:r7": ScriptedEngine(Speaker())}, answers={"prefer": {}})
        self.app = create_app(FakeDoor({TOKEN: Visitor(name="tests", desk=self.desk)}))

    def ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        answer = self.loop.run_until_complete(exchange(self.app, "POST", path, HEADERS, body, port=PORT))
        return answer.status, answer.body

    def check(self, path: str, body: bytes) -> None:
        status, said = self.ask(path, body)

        assert status < 500, said
        assert b"internal_error" not in said
        assert b"Traceback" not in said


@pytest.fixture(scope="module")
def harness():
    made = Harness()
    yield made
    made.loop.close()


FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))


def test_what_is_mutated_is_fine_before(harness: Harness) -> None:
    """The requests below begin as good ones, or the mutations would test nothing."""
    harness.ask("/v1/chat/completions", json.dumps(EVERYTHING).encode())  # for feedback on the last answer
    answers = [harness.ask(each["path"], json.dumps(each["body"]).encode()) for each in VALID]

    assert [200] * len(VALID) == [status for status, _ in answers]


@FEW
@given(mutated())
def test_no_near_miss_breaks_it(harness: Harness, case: tuple[str, bytes]) -> None:
    """Requests that are wrong in a few places are answered or refused."""
    harness.check(*case)


@FEW
@given(ANY)
def test_no_body_breaks_it(harness: Harness, case: tuple[str, bytes]) -> None:
    """So is anything else."""
    harness.check(*case)


@pytest.mark.slow
@MANY
@given(mutated())
def test_no_near_miss_breaks_it_in_a_long_time(harness: Harness, case: tuple[str, bytes]) -> None:
    """The same with many more."""
    harness.check(*case)


@pytest.mark.slow
@MANY
@given(ANY)
def test_no_body_breaks_it_in_a_long_time(harness: Harness, case: tuple[str, bytes]) -> None:
    """The same with many more."""
    harness.check(*case)
