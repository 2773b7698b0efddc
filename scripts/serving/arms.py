"""Three ways to the same answer: persona over HTTP, llama.cpp called directly, transformers' generate.

Each answers the same prompts with the same adapter, greedily, and says when the first text came.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from adapters import Revision
from persona.base import Base
from persona.engine.protocol import Prompt, Sampling
from persona.engine.wording import Wording
from persona.paths import Home
from store.records import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """One answer: its tokens, the seconds to its first text and to its end."""

    tokens: int
    first: float
    end: float

    @property
    def rate(self) -> float:
        """Tokens a second from the first one on."""
        return (self.tokens - 1) / (self.end - self.first)


def said(text: str) -> tuple[Message, ...]:
    """A talk of its own: the beginning of the text stands first, where otherwise all prompts are alike.

    Which slot a server gives to a prompt whose beginning it knows is a choice between talks, and no speed.
    """
    return (Message(role="system", content=text.partition(":")[0]), Message(role="user", content=text))


Ask = Callable[[str, int], Timed]
"""A question and how many tokens its answer may have."""


class Daemon:
    """A daemon in a process of its own, and a client of it."""

    def __init__(self, home: Home, *, parallel: int) -> None:
        environ = {**os.environ, "PERSONA_HOME": str(home.root), "PERSONA_SERVE__PARALLEL": str(parallel)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "persona", "serve", "--port", "0", "--json"],
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.token = home.token.read_text().strip()
        self._headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    @contextmanager
    def client(self) -> Iterator[HTTPConnection]:
        """One connection, which is kept while it is used."""
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=300)) as connection:
            yield connection

    def ask(self, text: str, tokens: int) -> Timed:
        with self.client() as client:
            return self.stream(client, said(text), tokens)[0]

    def stream(
        self, client: HTTPConnection, messages: Sequence[Message], tokens: int
    ) -> tuple[Timed, set[str], str | None]:
        """One streamed answer; every model that its events name, and the revision of its head.

        What comes behind the first text is read when all of it is there, by the plainest client that Python
        has: it is the daemon that is timed, and whoever reads takes from the same processors.
        """
        document = {
            "model": "persona",
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        began, first, came = time.perf_counter(), None, b""
        client.request("POST", "/v1/chat/completions", json.dumps(document), self._headers)
        answer = client.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.read()[:200]!r}")
        while part := answer.read1():
            came += part
            if first is None and any(_text(event) for event in _events(came)):
                first = time.perf_counter() - began
        end = time.perf_counter() - began
        if not came.endswith(b"data: [DONE]\n\n"):
            raise RuntimeError("an answer without its end")
        events = _events(came)
        used = max(event["usage"]["completion_tokens"] for event in events if event.get("usage"))
        timed = Timed(tokens=used, first=end if first is None else first, end=end)
        return timed, {event["model"] for event in events}, answer.headers.get("x-persona-revision")

    def close(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=60)


def _events(came: bytes) -> list[dict[str, Any]]:
    """Those that are whole."""
    whole, end, _ = came.rpartition(b"\n\n")
    lines = (whole + end).splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


def _text(event: dict[str, Any]) -> str | None:
    choices = event["choices"]
    return choices[0]["delta"].get("content") if choices else None


class BareLlama:
    """llama.cpp as its binding gives it: no HTTP, no capture, tokens of the same prompts."""

    def __init__(self, base: Base, revision: Revision, *, parallel: int, context: int) -> None:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(base.gguf)
        parameters.n_ctx = context
        parameters.n_parallel = parallel
        parameters.kv_unified = parallel > 1
        parameters.n_gpu_layers = 0
        parameters.api_keys = [secrets.token_hex(32)]
        parameters.verbosity = -1
        parameters.fit_params = parameters.warmup = False
        lora = xllamacpp.CommonAdapterLoraInfo()
        lora.path, lora.scale = str(revision.file("adapter.gguf")), 1.0
        parameters.lora_adapters = [lora]
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            parameters.hostnames = [str(Path(folder) / "s.sock")]
            self._server: Any = xllamacpp.Server(parameters)
        self._wording = Wording(base, context)

    def ask(self, text: str, tokens: int) -> Timed:
        prompt = self._wording.prompt(Prompt(messages=said(text)))
        began, first, used = time.perf_counter(), None, 0

        def take(chunk: dict[str, Any]) -> bool:
            nonlocal first, used
            if first is None and chunk["choices"][0]["text"]:
                first = time.perf_counter() - began
            used = chunk.get("timings", {}).get("predicted_n", used)
            return False

        request = {
            "prompt": prompt,
            "n_predict": tokens,
            "temperature": 0.0,
            "stream": True,
            "cache_prompt": False,  # or the template's first tokens are found, as a slot's old talk has them
        }
        self._server.handle_completions(request, take)
        end = time.perf_counter() - began
        return Timed(tokens=used, first=end if first is None else first, end=end)

    def close(self) -> None:
        self._server = None


class Generate:
    """transformers' generate on the unquantised base, with peft's adapter on it."""

    def __init__(self, base: Base, revision: Revision) -> None:
        from persona.engine.opener import open_engine

        self._engine = open_engine(base, revision, kind="transformers", device="cpu")

    def ask(self, text: str, tokens: int) -> Timed:
        prompt = Prompt(messages=said(text))
        began, first, used = time.perf_counter(), None, 0
        for delta in self._engine.stream(prompt, Sampling(max_tokens=tokens)):
            if first is None and delta.text:
                first = time.perf_counter() - began
            if delta.completion is not None:
                used = delta.completion.completion_tokens
        end = time.perf_counter() - began
        return Timed(tokens=used, first=end if first is None else first, end=end)

    def close(self) -> None:
        self._engine.close()


def at_once(ask: Ask, questions: Sequence[str], tokens: int) -> tuple[list[Timed], float]:
    """All questions at the same time, and the seconds until the last one was answered."""
    results: list[Timed] = []
    errors: list[BaseException] = []

    def run(question: str) -> None:
        try:
            results.append(ask(question, tokens))
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(question,)) for question in questions]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results, time.perf_counter() - began
