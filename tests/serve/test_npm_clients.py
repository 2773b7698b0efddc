"""The clients that programs in JavaScript use: openai, Anthropic's, and the AI SDK under opencode."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from serve_parts import TOKEN, call_text, running

HERE = Path(__file__).parent / "npm"
NEEDED = ("package.json", "package-lock.json")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="needs node and npm"),
]


@pytest.fixture(scope="module")
def modules() -> Path:
    """The clients, installed once beside the bases of the tests, with the releases of the lock file."""
    given = os.environ.get("PERSONA_TEST_BASES")
    place = Path(given) if given else Path.home() / ".cache" / "persona-tests"
    wanted = b"".join((HERE / name).read_bytes() for name in NEEDED)
    folder = place / f"npm-{hashlib.sha256(wanted).hexdigest()[:16]}"
    if not (folder / ".installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in NEEDED:
            shutil.copy(HERE / name, folder)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        (folder / ".installed").touch()
    return folder


@pytest.fixture(scope="module")
def understood(modules) -> Any:
    """What each client understood of the same two answers."""
    script = {"Hello?": "So it is.", "Weather?": call_text("look", city="Oslo")}
    with running(script) as served:
        told = {"URL_OF_PERSONA": served.url, "TOKEN_OF_PERSONA": TOKEN, "MODULES": str(modules)}
        environ = {**os.environ, **told}
        ran = subprocess.run(
            ["node", str(HERE / "clients.mjs")], env=environ, capture_output=True, text=True, timeout=120
        )
        assert 0 == ran.returncode, ran.stderr
        return {**json.loads(ran.stdout), "kept": len(served.desk.turns)}


def test_openai(understood) -> None:
    """Models, a whole answer, streamed calls, the Responses dialect, and a refusal as its own error."""
    assert {
        "models": ["persona", "persona:r7"],
        "said": "So it is.",
        "finish": "tool_calls",
        "calls": [["look", {"city": "Oslo"}]],
        "response": "So it is.",
        "refused": ["BadRequestError", 400, "n"],
    } == understood["openai"]


def test_anthropic(understood) -> None:
    """A whole answer, a streamed call, and a count of tokens."""
    assert {
        "said": "So it is.",
        "stop": "tool_use",
        "calls": [["look", {"city": "Oslo"}]],
        "tokens": 1,
    } == understood["anthropic"]


def test_the_ai_sdk(understood) -> None:
    """Streamed text and a streamed call, as agents in JavaScript read them."""
    assert {
        "said": "So it is.",
        "finish": "tool-calls",
        "calls": [["look", {"city": "Oslo"}]],
    } == understood["ai"]


def test_their_turns_are_kept(understood) -> None:
    """Every answer that they were given: three of openai's, two of Anthropic's, two of the SDK's."""
    assert 7 == understood["kept"]
