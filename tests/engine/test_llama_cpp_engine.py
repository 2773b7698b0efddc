"""The llama.cpp engine keeps the engine's contract, and shuts its server away."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import xllamacpp
from contracts.engine_contract import (
    FRUITS,
    SEVERAL,
    SHORT,
    TALE,
    DrawnContract,
    EngineContract,
    OpenEngine,
    ask,
)
from engine_parts import COLOURS, LONG, Recorder, next_turn
from tokenizers import Tokenizer

from persona.engine.llama_cpp import LlamaCppEngine
from persona.engine.llama_server import CHUNK, server_parameters
from persona.engine.protocol import Prompt, Sampling
from persona.errors import BadInput, Damaged, EngineError, PromptTooLong
from store.records import Message

pytestmark = pytest.mark.base

LONGER = Sampling(max_tokens=24)  # by then a batch of several has made a difference in one answer of two


@pytest.fixture(scope="module")
def bare(starter_base):
    engine = LlamaCppEngine(starter_base, None, "r0", context=4096)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def adapted(starter_base, lora_gguf):
    engine = LlamaCppEngine(starter_base, lora_gguf, "rev-lora", context=4096)
    yield engine
    engine.close()


class TestLlamaCppEngine(DrawnContract, EngineContract):
    @pytest.fixture
    def revision(self) -> str:
        return "r0"

    @pytest.fixture
    def engine(self, bare) -> LlamaCppEngine:
        return bare

    @pytest.fixture
    def fresh(self, starter_base) -> OpenEngine:
        return lambda: LlamaCppEngine(starter_base, None, "r0", context=4096)


def test_no_revision_uses_what_another_computed(starter_base, lora_gguf) -> None:
    """Base, adapter and base again, asked about one long text, answer to the last bit as cold engines do."""
    engines = {
        name: Recorder(LlamaCppEngine(starter_base, adapter, name, context=1024))
        for name, adapter in {"base": None, "lora": lora_gguf, "cold": None, "cold lora": lora_gguf}.items()
    }
    try:
        asked = {name: engines[name].bits(COLOURS[0], 4) for name in ("base", "lora")}
        again = {name: engines[name].bits(COLOURS[1], 4) for name in ("base", "lora")}
        cold = {name: engines[f"cold {name}".replace(" base", "")].bits(COLOURS[1], 4) for name in again}

        assert all(engines[name].reused >= CHUNK for name in again)
        assert cold == again
        assert asked["base"] != asked["lora"]
    finally:
        for recorder in engines.values():
            recorder.engine.close()


def test_a_kept_prompt_changes_no_bit(starter_base, lora_gguf) -> None:
    """A conversation that goes on is answered faster, and to the last bit as if it had just begun."""
    warm = Recorder(LlamaCppEngine(starter_base, lora_gguf, "warm", context=4096))
    cold = Recorder(LlamaCppEngine(starter_base, lora_gguf, "cold", context=4096))
    try:
        answer = warm.engine.complete([COLOURS[0]], Sampling(max_tokens=8))[0].text
        follow_up = next_turn(COLOURS[0], answer)
        kept = warm.bits(follow_up, 6)

        assert warm.reused >= CHUNK
        assert kept == cold.bits(follow_up, 6)
        assert 0 == cold.reused
    finally:
        warm.engine.close()
        cold.engine.close()


def test_neighbours_change_no_word(adapted) -> None:
    """Prompts that are asked at once, of an engine with an adapter, get what each gets alone."""
    alone = [adapted.complete([prompt], LONGER)[0].text for prompt in SEVERAL]
    with ThreadPoolExecutor(len(SEVERAL)) as pool:
        at_once = list(pool.map(lambda prompt: adapted.complete([prompt], LONGER)[0].text, SEVERAL))

    assert alone == at_once


def test_a_reader_can_leave_while_the_prompt_is_read(bare) -> None:
    """Deltas without text come before the first token, so a reader is never stuck, and may close."""
    stream = bare.stream(ask(LONG * 3 + "Why?"), Sampling(max_tokens=400))
    first = next(stream)
    began = time.monotonic()
    stream.close()
    bare.complete([FRUITS], Sampling(max_tokens=1))

    assert "" == first.text
    assert first.completion is None
    assert time.monotonic() - began < 10


def test_an_answer_waits_its_turn(bare) -> None:
    """A stream that is asked for amid many prompts comes between two of them, not after the last."""
    done = threading.Event()

    def many() -> None:
        bare.complete([TALE] * 6, Sampling(max_tokens=12))
        done.set()

    worker = threading.Thread(target=many)
    worker.start()
    bare.complete([FRUITS], Sampling(max_tokens=1))
    early = not done.is_set()
    worker.join()

    assert early


@pytest.mark.parametrize(
    "text", ["Grüße, 你好 🦜!", "1234567890 + 3.14", "def f(x):\n\treturn  x", "<|im_end|>"]
)
def test_tokens_are_those_of_the_base(starter_base, bare, text) -> None:
    """A prompt is as long as the base's tokenizer says, no token is added, and llama.cpp would agree."""
    prompt = Prompt(messages=(Message(role="user", content=text),))
    rendered = starter_base.template.render(prompt.messages, (), add_generation_prompt=True)
    counted = len(Tokenizer.from_file(str(starter_base.tokenizer)).encode(rendered, add_special_tokens=False))

    assert counted == bare.complete([prompt], Sampling(max_tokens=1))[0].prompt_tokens
    assert counted == bare._server.ask({"prompt": rendered, "n_predict": 1})["usage"]["prompt_tokens"]


def test_a_schema_shapes_the_answer(bare) -> None:
    """With a schema the whole answer is JSON that fits it."""
    schema = {
        "type": "object",
        "properties": {"fruit": {"enum": ["apple", "pear"]}, "count": {"type": "integer", "maximum": 9}},
        "required": ["fruit", "count"],
        "additionalProperties": False,
    }

    answer = bare.complete([FRUITS], Sampling(max_tokens=60, json_schema=schema))[0]

    assert {"fruit", "count"} == set(json.loads(answer.text))
    assert json.loads(answer.text)["fruit"] in ("apple", "pear")


def test_a_schema_that_cannot_be_kept_is_an_error(bare) -> None:
    """llama.cpp ignores a schema that it does not understand; the engine does not."""
    with pytest.raises(EngineError, match="json_schema"):
        bare.complete([FRUITS], Sampling(max_tokens=60, json_schema={"type": "nonsense"}))


def test_characters_come_whole(bare) -> None:
    """No piece of a stream and no answer ends within a character."""
    prompt = ask("Repeat this, and nothing else: 🦜🦜🦜🦜")
    for limit in range(1, 7):
        *pieces, last = bare.stream(prompt, Sampling(max_tokens=limit))
        assert "\ufffd" not in "".join(piece.text for piece in pieces) + last.completion.text


def test_a_prompt_beyond_the_context_is_refused(starter_base) -> None:
    """What does not fit is an error that gives both lengths."""
    engine = LlamaCppEngine(starter_base, None, "r0", context=128)
    try:
        with pytest.raises(PromptTooLong, match=r"has \d+ tokens .* 128"):
            engine.complete([COLOURS[0]], SHORT)
        assert engine.complete([FRUITS], SHORT)[0].text
    finally:
        engine.close()


def test_an_engine_that_was_never_asked_can_be_closed(starter_base) -> None:
    """Closing right after opening ends, every time."""
    for _ in range(3):
        LlamaCppEngine(starter_base, None, "r0", context=256).close()


def test_an_adapter_is_seen_to_apply(bare, adapted) -> None:
    """An adapter moves the base's probabilities by far more than rounding; the base has none to move them."""
    assert 0.0 == bare.adapter_effect()
    assert adapted.adapter_effect() > 0.05


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9999])
def test_a_cut_adapter_is_refused(starter_base, lora_gguf, tmp_path, keep) -> None:
    """llama.cpp has loaded cut files as zeros without a word."""
    data = lora_gguf.read_bytes()
    cut = tmp_path / "adapter.gguf"
    cut.write_bytes(data[: int(len(data) * keep)])

    with pytest.raises(Damaged, match=r"adapter\.gguf"):
        LlamaCppEngine(starter_base, cut, "rev-cut")


def test_a_base_without_gguf_is_refused(starter_base) -> None:
    """The error names the engine that can."""
    with pytest.raises(BadInput, match="transformers"):
        LlamaCppEngine(dataclasses.replace(starter_base, gguf=None), None, "r0")


def test_nothing_listens_and_nothing_is_left(starter_base) -> None:
    """An open engine has no port, and no file in the temporary folder."""
    before = {path.name for path in Path(tempfile.gettempdir()).glob("persona-*")}
    listened_before = _listening()
    engine = LlamaCppEngine(starter_base, None, "r0", context=512)
    try:
        ports = _listening() - listened_before
        left = {path.name for path in Path(tempfile.gettempdir()).glob("persona-*")} - before
    finally:
        engine.close()

    assert set() == ports
    assert set() == left


def _listening() -> set[int]:
    """This process's open ports: other tests of the same run may keep a server for a while."""
    connections = psutil.Process().net_connections("inet")
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


@pytest.fixture(scope="module")
def reachable(starter_base, tmp_path_factory):
    """The engine's server with a socket that stays, which an engine's own does not."""
    place = tmp_path_factory.mktemp("reachable") / "s.sock"
    parameters = server_parameters(
        starter_base.gguf, None, context=256, threads=1, socket=place, key="the right one"
    )
    server = xllamacpp.Server(parameters)
    yield place
    del server


@pytest.mark.parametrize("key", [None, "wrong"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/completion"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/tokenize"),
        ("GET", "/slots"),
        ("POST", "/slots/0?action=save"),
        ("GET", "/props"),
        ("POST", "/props"),
        ("GET", "/metrics"),
        ("GET", "/lora-adapters"),
        ("POST", "/lora-adapters"),
    ],
)
def test_the_server_asks_for_its_key(reachable, method, path, key) -> None:
    """Whoever reached the socket all the same would get nothing without the key."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(reachable))
    try:
        connection.request(method, path, body="{}", headers={"Authorization": f"Bearer {key}"} if key else {})

        assert 401 == connection.getresponse().status
    finally:
        connection.close()


def test_nothing_is_printed(starter_base, lora_gguf, tmp_path, capfd) -> None:
    """Loading, answering, failing to load and closing leave standard output and error as they are."""
    engine = LlamaCppEngine(starter_base, lora_gguf, "rev-quiet", context=512)
    engine.adapter_effect()
    engine.complete([FRUITS], SHORT)
    engine.close()
    broken = tmp_path / "model.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(EngineError, match=r"model\.gguf"):
        LlamaCppEngine(dataclasses.replace(starter_base, gguf=broken), None, "r0")

    assert ("", "") == tuple(capfd.readouterr())
