"""A base from the hub, played by a server on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_parts import write_model_folder

from persona.base import load_base
from persona.base.sources import HubSource
from persona.paths import Home

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOTHING: Mapping[str, str] = {}
ASK = """
import json, sys
from pathlib import Path
from persona.base import prepare_base
from persona.errors import PersonaError
from persona.paths import Home

steps = []
try:
    prepare_base(Home(Path(sys.argv[1])), sys.argv[2], progress=lambda *step: steps.append(step))
    print(json.dumps(steps[-1]))
except PersonaError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class FakeHub:
    """Serves one folder as the repository tiny/model; `asked` are the paths of all requests."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.folder = folder
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def _answer(self, *, with_body: bool) -> None:
                hub.asked.append(self.path)
                path = self.path.partition("?")[0]
                if path.startswith("/api/models/tiny/model"):
                    self._send(200, hub.listing(), with_body)
                elif path.startswith(f"/tiny/model/resolve/{COMMIT}/"):
                    file = hub.folder / path.rpartition("/")[2]
                    self._send(200, file.read_bytes(), with_body)
                else:
                    self._send(404, b"{}", with_body, {"X-Error-Code": "RepoNotFound"})

            def _send(
                self, status: int, body: bytes, with_body: bool, more: Mapping[str, str] = NOTHING
            ) -> None:
                self.send_response(status)
                headers = {
                    "Content-Length": str(len(body)),
                    "Content-Type": "application/json",
                    "ETag": f'"{hashlib.sha256(body).hexdigest()}"',
                    "X-Repo-Commit": COMMIT,
                }
                for name, value in (headers | dict(more)).items():
                    self.send_header(name, value)
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def listing(self) -> bytes:
        files = [
            {"rfilename": file.relative_to(self.folder).as_posix(), "size": file.stat().st_size}
            for file in sorted(self.folder.rglob("*"))
            if file.is_file()
        ]
        return json.dumps(
            {"id": "tiny/model", "modelId": "tiny/model", "sha": COMMIT, "siblings": files}
        ).encode()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def fake(tmp_path) -> Iterator[FakeHub]:
    hub = FakeHub(write_model_folder(tmp_path / "repository"))
    thread = threading.Thread(target=hub.server.serve_forever, daemon=True)
    thread.start()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()
    thread.join()


def ask(address: str, home: Home, spec: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since the hub's library reads its address once."""
    kept = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    environment = kept | {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home.root / "hf"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    environment.pop("HF_HUB_OFFLINE", None)
    return subprocess.run(
        [sys.executable, "-c", ASK, str(home.root), spec],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_is_downloaded_at_one_commit_and_without_code(fake, tmp_path):
    """Only the files on the list are asked for, and the commit is written down."""
    (fake.folder / "modeling_evil.py").write_text("raise SystemExit")
    (fake.folder / "pytorch_model.bin").write_bytes(b"pickle")
    (fake.folder / "onnx").mkdir()
    (fake.folder / "onnx" / "model.safetensors").write_bytes(b"not for us")
    home = Home(tmp_path / "home")

    done = ask(fake.address, home, "hf:tiny/model")

    assert "" == done.stderr
    base = load_base(home, "tiny--model")
    assert "<|im_end|>" == base.eos
    assert COMMIT == json.loads((base.path / "base.json").read_text())["commit"]
    asked = {path.rpartition("/")[2] for path in fake.asked if "/resolve/" in path}
    own = {"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"}
    assert own | {"model.safetensors"} == asked
    assert ["lock", base.name] == sorted(entry.name for entry in home.bases.iterdir())


def test_progress_counts_every_byte_once(fake, tmp_path):
    """Up to the sum of the sizes that the hub told."""
    done = ask(fake.address, Home(tmp_path / "home"), "hf:tiny/model")

    step, reached, total = json.loads(done.stdout)
    assert ("copy", total) == (step, reached)


@pytest.mark.parametrize(
    ("spec", "code", "why"),
    [
        ("hf:tiny/other", 9, "hf:tiny/other could not be prepared: the hub says"),
        ("hf:not a name", 2, "hf:not a name"),
    ],
)
def test_what_the_hub_refuses_is_told_in_one_line(fake, tmp_path, spec, code, why):
    """With what to do, and nothing left behind."""
    home = Home(tmp_path / "home")

    done = ask(fake.address, home, spec)

    assert code == done.returncode
    assert why in done.stderr
    assert 1 == done.stderr.count("\n")
    assert ["lock"] == [entry.name for entry in home.bases.iterdir()]


def test_no_network_is_told_in_one_line(tmp_path):
    """Nobody listens there."""
    done = ask("http://127.0.0.1:9", Home(tmp_path / "home"), "hf:tiny/model")

    assert 9 == done.returncode
    assert "check the name and the network" in done.stderr
    assert 1 == done.stderr.count("\n")


def test_a_repository_that_cannot_be_a_base_is_named_as_the_user_knows_it(fake, tmp_path):
    """Not by the folder that it was downloaded to."""
    write_model_folder(fake.folder, template=None)

    done = ask(fake.address, Home(tmp_path / "home"), "hf:tiny/model")

    assert 2 == done.returncode
    assert "hf:tiny/model: it has no chat template" in done.stderr


def test_weights_only_as_pickles_are_not_even_downloaded(fake, tmp_path):
    """The listing is enough to know."""
    (fake.folder / "model.safetensors").rename(fake.folder / "pytorch_model.bin")

    done = ask(fake.address, Home(tmp_path / "home"), "hf:tiny/model")

    assert 2 == done.returncode
    assert "safetensors" in done.stderr
    assert not any("/resolve/" in path for path in fake.asked)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("hf:Qwen/Qwen3-0.6B", "qwen--qwen3-0-6b"),
        ("hf:a/b@main", "a--b"),
        ("hf:a/" + "b" * 80, "a--" + "b" * 61),
    ],
)
def test_a_base_is_named_after_its_repository(spec, name):
    """With the owner, so that two models of the same name get along."""
    assert name == HubSource(spec=spec).name
