"""The composition root: what the settings say is what is wired, and nothing happens unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
from cli_parts import Past, Shell

from persona.bootstrap import bootstrap
from persona.errors import NotInitialised
from persona.nightly import Night, NightResult
from store.errors import StoreClosed
from store.records import RunState


def test_nothing_happens_unasked(shell: Shell) -> None:
    """Wiring touches no disk; asking before init says what to do first."""
    persona = shell.persona()
    for part in ("store", "registry", "base"):
        with pytest.raises(NotInitialised):
            getattr(persona, part)

    assert not shell.root.exists()


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$PERSONA_HOME and the other variables are read when asked, not at import."""
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PERSONA_IDENTITY__NAME", "ann")

    persona = bootstrap()

    assert (tmp_path / "elsewhere", "ann") == (persona.home.root, persona.identity)
    assert tmp_path / "elsewhere" / "identities" / "ann" / "store.db" == persona.paths.store


def test_what_was_opened_is_closed(shell: Shell, past: Past) -> None:
    """Leaving the block closes the store; closing twice, or without having opened, is fine."""
    with shell.persona() as persona:
        store = persona.store
        assert 0 == store.interactions.count()
    persona.close()
    shell.persona().close()

    with pytest.raises(StoreClosed):
        store.interactions.count()


def test_the_engine_gets_its_settings(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """[serve] decides kind, device, context and threads; one answer at a time unless more are asked for."""
    opened: list[tuple[object, ...]] = []

    def open_engine(base: object, revision: Any, **how: object) -> str:
        opened.append((base, revision.ref, how))
        return "an engine"

    monkeypatch.setattr("persona.engine.opener.open_engine", open_engine)
    (shell.root / "config.toml").write_text('[serve]\nengine = "llama_cpp"\ncontext = 512\nthreads = 2\n')
    monkeypatch.setenv("PERSONA_HOME", str(shell.root))
    persona = bootstrap()
    persona.__dict__["base"] = "a base"

    assert "an engine" == persona.engine(persona.resolve("r1"))
    how = {"kind": "llama_cpp", "device": "auto", "context": 512, "threads": 2, "parallel": 1}
    assert [("a base", "r1", how)] == opened


def night_of(shell: Shell, monkeypatch: pytest.MonkeyPatch, **environ: str) -> Night:
    """The night that a Persona with these variables would run."""
    nights: list[Night] = []

    def run_night(night: Night) -> NightResult:
        nights.append(night)
        return NightResult(run="run-9", outcome=RunState.NOTHING_TO_LEARN, reasons=())

    monkeypatch.setattr("persona.nightly.run_night", run_night)
    shell.known["base"] = "a base"
    shell.environ = environ
    with shell.persona() as persona:
        persona.night(lambda event: None)
    return nights[0]


@pytest.mark.parametrize(
    ("device", "tools", "torch", "expected"),
    [
        ("cpu", "/bin/nvidia-smi", "2.13.0", "none"),
        ("cuda", None, "2.13.0", "nf4"),
        ("cuda:1", None, "2.13.0", "nf4"),
        ("auto", None, "2.13.0", "none"),
        ("auto", "/bin/nvidia-smi", "2.13.0+cpu", "none"),
        ("auto", "/bin/nvidia-smi", "2.13.0+cu130", "nf4"),
    ],
)
def test_quantisation_where_nothing_is_said(
    shell: Shell,
    past: Past,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    tools: str | None,
    torch: str,
    expected: str,
) -> None:
    """NF4 where an NVIDIA card will do the work, dense weights elsewhere."""
    monkeypatch.setattr("persona.bootstrap.shutil.which", lambda name: tools)
    monkeypatch.setattr("importlib.metadata.version", lambda name: torch)

    night = night_of(shell, monkeypatch, PERSONA_TRAIN__DEVICE=device)

    assert expected == night.recipe.quantisation


def test_budgets_where_nothing_is_said(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of the memory, four hours, all threads, and the recipe's own seed."""
    night = night_of(shell, monkeypatch)

    assert int(0.75 * psutil.virtual_memory().total) == night.budget.memory_bytes
    assert (4 * 3600, 0, type(night.recipe)().seed) == (
        night.budget.seconds,
        night.threads,
        night.recipe.seed,
    )


def test_a_night_holds_the_lock(shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs the home is locked, and afterwards it is not."""
    seen: list[bool] = []

    def run_night(night: Night) -> NightResult:
        seen.append(shell.run("status", "--json").json["busy"])
        return NightResult(run="run-9", outcome=RunState.NOTHING_TO_LEARN, reasons=())

    monkeypatch.setattr("persona.nightly.run_night", run_night)
    shell.known["base"] = "a base"
    with shell.persona() as persona:
        persona.night(lambda event: None)

    assert [True] == seen
    assert shell.run("status", "--json").json["busy"] is False


def test_one_persona_is_one_identity() -> None:
    """A Persona cannot be pointed elsewhere."""
    with pytest.raises(AttributeError):
        bootstrap().home = None  # type: ignore[misc, assignment]
