"""`persona serve` as a process: with the starter base and llama.cpp, and where it cannot start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import openai
import pytest
from cli_parts import Shell
from real_parts import publish, settle

from persona.base import Base

pytestmark = pytest.mark.base

COUNT = {"role": "user", "content": "Count to five."}
PERSON = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["age"],
    "additionalProperties": False,
}
LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Oslo"]}}, "required": ["city"]},
    },
}


@pytest.fixture
def home(shell: Shell, starter_base: Base) -> Shell:
    return settle(shell, starter_base)


def command(home: Shell, *options: str) -> tuple[list[str], dict[str, str]]:
    environ = {**os.environ, "PERSONA_HOME": str(home.root), "PERSONA_SERVE__CONTEXT": "1024"}
    return [sys.executable, "-m", "persona", "serve", *options], environ


@dataclass
class Daemon:
    process: subprocess.Popen[str]
    url: str
    token: str

    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{self.url}/v1",
            api_key=self.token,
            max_retries=0,
            http_client=httpx2.Client(verify=False, trust_env=False, timeout=120),
        )

    def get(self, path: str) -> httpx2.Response:
        bearer = {"Authorization": f"Bearer {self.token}"}
        with httpx2.Client(verify=False, trust_env=False, timeout=60, headers=bearer) as client:
            return client.get(f"{self.url}{path}")

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it said on stderr."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60), self.process.stderr.read() if self.process.stderr else ""


@contextmanager
def serving(home: Shell) -> Iterator[Daemon]:
    line, environ = command(home, "--port", "0", "--json")
    process = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, process.communicate()[1]
        yield Daemon(process, json.loads(first)["url"], (home.root / "token").read_text().strip())
    finally:
        process.kill()
        process.communicate()


def test_a_daemon_with_llama_cpp(home: Shell) -> None:
    """The real engine behind the real routes: streams, schemas, calls, counts; no torch in the process."""
    with serving(home) as daemon, daemon.openai() as client:
        asked = {"model": "persona", "temperature": 0, "max_tokens": 12}
        chunks = list(client.chat.completions.create(**asked, messages=[COUNT], stream=True))
        held = client.chat.completions.create(
            **{**asked, "max_tokens": 40},
            messages=[COUNT],
            response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}},
        )
        called = client.chat.completions.create(
            **{**asked, "max_tokens": 60}, messages=[COUNT], tools=[LOOK], tool_choice="required"
        )
        response = client.responses.create(model="persona:base", input="Hello?", max_output_tokens=16)
        metrics = daemon.get("/metrics").text
        status = daemon.get("/persona/status").json()
        mapped = Path(f"/proc/{daemon.process.pid}/maps").read_text()
        ended = daemon.end()

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    (call,) = called.choices[0].message.tool_calls or ()
    assert text.strip()
    assert {"persona:base"} == {chunk.model for chunk in chunks}
    assert isinstance(json.loads(held.choices[0].message.content or "")["age"], int)
    assert ("look", {"city": "Oslo"}) == (call.function.name, json.loads(call.function.arguments))
    assert "persona:base" == response.model
    assert 4 == status["daemon"]["capture"]["kept"] == status["interactions"]
    assert 'persona_answers_total{ended="whole"} 4.0' in metrics
    assert "libtorch" not in mapped
    assert (0, "") == ended


def test_a_damaged_champion_is_said_to_be_so(
    home: Shell, starter_base: Base, lora_folder: Path, lora_gguf: Path
) -> None:
    """The base answers in its place, whoever started it reads why, and so does whoever asks."""
    one = publish(home, starter_base, lora_folder, lora_gguf)
    home.registry().promote(one.id, expected="r0", reason="better")
    file = one.path / "adapter.gguf"
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-100])
    with serving(home) as daemon, daemon.openai() as client:
        answer = client.chat.completions.create(model="persona", messages=[COUNT], max_tokens=2)
        with pytest.raises(openai.APIStatusError) as refused:
            client.chat.completions.create(model="persona:r1", messages=[COUNT], max_tokens=2)
        status = daemon.get("/persona/status").json()["daemon"]
        code, said = daemon.end()

    assert "persona:base" == answer.model
    assert "adapter.gguf" in str(refused.value)
    assert (one.id, True) == (status["not_loaded"]["revision"], "adapter.gguf" in status["not_loaded"]["why"])
    assert 0 == code
    assert any(one.id in line and "adapter.gguf" in line for line in said.splitlines())
    assert "Traceback" not in said


def start(home: Shell, *options: str, before: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """Exit code and lines on stderr of a daemon that cannot start."""
    line, environ = command(home, *options)
    ran = subprocess.run([*before, *line], env=environ, capture_output=True, text=True, timeout=120)
    assert "" == ran.stdout
    return ran.returncode, ran.stderr.strip().splitlines()


def test_a_port_in_use(home: Shell) -> None:
    """2: another port is the user's to choose."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, (line,) = start(home, "--port", str(taken.getsockname()[1]))

    assert 2 == code
    assert "in use" in line
    assert "--port" in line


def test_a_home_without_its_base(home: Shell) -> None:
    """2: what was there has to be fetched again, and it is said how."""
    (home.root / "bases").unlink()
    code, (line,) = start(home, "--port", "0")

    assert 2 == code
    assert "persona init" in line


def test_a_second_daemon(home: Shell) -> None:
    """75: one serves this home already, and it is said where."""
    with serving(home) as daemon:
        code, (line,) = start(home, "--port", "0")

    assert 75 == code
    assert daemon.url in line


def test_a_home_that_cannot_be_written(home: Shell) -> None:
    """1: the place is named."""
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:  # who may write anywhere
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv to be somebody who may not write anywhere")
        before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    home.root.chmod(0o500)
    try:
        code, (line,) = start(home, "--port", "0", before=before)
    finally:
        home.root.chmod(0o700)

    assert 1 == code
    assert f"{home.root}" in line
    assert "ermission denied" in line


@pytest.mark.parametrize("damaged", ["store.db", "tokens.json", "config.toml"])
def test_a_damaged_file_of_the_home(home: Shell, damaged: str) -> None:
    """One line names it; nothing is served from it."""
    file = home.root / damaged if damaged != "store.db" else home.root / "identities" / "me" / damaged
    file.write_bytes(b"{ not what it should be" * 100)
    code, (line,) = start(home, "--port", "0")

    assert (2 if damaged == "config.toml" else 5) == code
    assert damaged in line
