"""The commands with the starter base and the engine that serves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_parts import Shell
from real_parts import publish, settle

from adapters import BaseRef, Build
from persona.base import Base

pytestmark = pytest.mark.base

ASK = """
import json, sys
from persona.__main__ import main
code = main(["ask", "Name a colour.", "--max-tokens", "8", "--json", *sys.argv[1:]])
print(json.dumps([code, "torch" in sys.modules]), file=sys.stderr)
"""


@pytest.fixture
def home(shell: Shell, starter_base: Base) -> Shell:
    """A home with the starter base."""
    return settle(shell, starter_base)


def ask(home: Shell, *options: str) -> tuple[dict[str, object], list[object]]:
    """The JSON of an answer, and [exit code, was torch loaded] of the process that gave it."""
    done = subprocess.run(
        ["env", f"PERSONA_HOME={home.root}", sys.executable, "-c", ASK, *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout), json.loads(done.stderr.splitlines()[-1])


def test_ask_answers_with_the_revision_that_was_named(
    home: Shell, starter_base: Base, lora_folder: Path, lora_gguf: Path
) -> None:
    """Base and champion answer the same question differently, each under its own name, without torch."""
    revision = publish(home, starter_base, lora_folder, lora_gguf)
    home.run("promote", "r1")

    champion, how = ask(home)
    base, _ = ask(home, "--revision", "r0")

    assert [0, False] == how
    assert (revision.id, "r0") == (champion["revision"], base["revision"])
    assert champion["answer"] != base["answer"]


def test_ask_refuses_an_adapter_of_another_base(
    home: Shell, starter_base: Base, lora_folder: Path, lora_gguf: Path
) -> None:
    """Exit code 4, both fingerprints, and no answer."""
    staged = home.registry().stage("other")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (staged / name).write_bytes((lora_folder / name).read_bytes())
    first = publish(home, starter_base, lora_folder, lora_gguf)
    other = BaseRef(
        name="other", fingerprint="b2-sha256:0", weights="w", tokenizer="t", template="j", quantisation="none"
    )
    build = Build(
        identity="me", parent="r0", base=other, snapshot=first.snapshot, recipe={}, seed=2, versions={},
        created_at=first.created_at,
    )  # fmt: skip
    home.registry().publish(staged, build)

    done = subprocess.run(
        ["env", f"PERSONA_HOME={home.root}", sys.executable, "-m", "persona", "ask", "x", "--revision", "r2"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (4, "") == (done.returncode, done.stdout)
    assert "revision r2 was built on base b2-sha256:0" in done.stderr


def test_export_writes_the_gguf_that_a_revision_lacks(
    home: Shell, starter_base: Base, lora_folder: Path, lora_gguf: Path, tmp_path: Path
) -> None:
    """A revision without adapter.gguf gets one on its way out, the same as training would have made."""
    publish(home, starter_base, lora_folder, None)

    ran = home.run("export", "r1", "--format", "gguf", str(tmp_path / "out"))

    assert 0 == ran.code
    assert lora_gguf.read_bytes() == (tmp_path / "out" / "adapter.gguf").read_bytes()
    assert f"FROM {home.root}" in (tmp_path / "out" / "Modelfile").read_text()


def test_a_home_with_its_base_is_whole(home: Shell) -> None:
    """init finds the base there, doctor is content, fsck reads every byte and finds nothing."""
    assert 0 == home.run("init").code
    assert 0 == home.run("doctor").code
    assert (0, "") == (home.run("fsck", "--deep").code, home.run("fsck", "--deep").out)
