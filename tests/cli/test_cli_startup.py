"""Starting is quick, and nothing heavy is loaded for commands that need nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cli_parts import Past, Shell

from persona import __version__
from persona.config import Settings

HEAVY = ("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "numpy", "pandas", "xllamacpp")

LOADED = """
import json, sys
from persona.__main__ import main
code = main({arguments})
print(json.dumps([code, [name for name in {heavy} if name in sys.modules]]), file=sys.stderr)
"""


def loaded_by(shell: Shell, *arguments: str) -> list[object]:
    """Exit code and heavy modules of a command in a process of its own."""
    source = LOADED.format(arguments=list(arguments), heavy=(*HEAVY, "typer", "sqlite3", "persona.config"))
    done = subprocess.run(  # with a variable that is no setting
        ["env", "PERSONA_WHEEL_DIR=.", f"PERSONA_HOME={shell.root}", sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
    )
    result: list[object] = json.loads(done.stderr.splitlines()[-1])
    return result


@pytest.mark.parametrize("command", ["revisions", "status", "preferences", "habits", "report", "rollback"])
def test_light_commands(shell: Shell, past: Past, command: str) -> None:
    """Commands about history and ledger load no engine and no tensor library."""
    code, loaded = loaded_by(shell, command)

    assert 0 == code
    assert [] == [name for name in loaded if name in HEAVY]  # type: ignore[attr-defined]


def test_revisions_needs_files_alone(shell: Shell, past: Past) -> None:
    """Neither a database nor, where nothing is configured, what reads and checks settings."""
    assert [0, ["typer"]] == loaded_by(shell, "revisions")
    (shell.root / "config.toml").write_text("[train]\nseed = 1\n")
    assert [0, ["typer", "persona.config"]] == loaded_by(shell, "revisions")


def test_nothing_of_ours_loads_pydantic_for_history() -> None:
    """typer may load it to read a command line; the answers about revisions do without."""
    source = "import sys, persona.cli.app, persona.answers.history; sys.exit('pydantic' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", source], check=False).returncode


def test_the_identity_without_a_configuration(shell: Shell) -> None:
    """It is the one that the settings have by default."""
    assert Settings().identity.name == shell.persona().identity


def test_version_needs_nothing(shell: Shell) -> None:
    """It is answered before the command line is built."""
    assert [0, []] == loaded_by(shell, "--version")


def test_help_needs_nothing_heavy(shell: Shell) -> None:
    """Neither does --help, with every command imported."""
    assert [0, ["typer"]] == loaded_by(shell, "--help")


def test_version_is_the_distribution_s(shell: Shell) -> None:
    """One version, in the code and in pyproject.toml."""
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())

    assert pyproject["project"]["version"] == __version__
    assert f"persona {__version__}\n" == shell.run("--version").out
