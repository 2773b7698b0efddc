"""What reaches the terminal: data here, messages there, and no command of a stranger."""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from cli_parts import Past, Shell

from persona.cli import output
from persona.cli.app import _COMMANDS, app


def test_a_table_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal the columns are aligned, a cell is one line, and markup means nothing."""
    output.say_table(("a", "b"), [("[red]x[/red]", "one\ntwo"), ("\x1b[2J", "y")])

    assert "a             b\n[red]x[/red]  one two\n\\x1b[2J       y\n" == capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is drawn, and still no markup and no control of a cell has an effect."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")

    output.say_table(("a",), [("[red]x[/red] [/] [link=http://evil]",), ("\x1b[2J",)])

    assert "[red]x[/red] [/] [link=http://evil]" in terminal.getvalue()
    assert r"\x1b[2J" in terminal.getvalue()


def test_progress_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal each step is one line on standard error."""
    with output.progress() as on_progress:
        for done in range(3):
            on_progress({"stage": "train", "step": "steps", "done": done, "total": 3})
        on_progress({"stage": "distill", "step": "distill", "done": 0, "total": 1})

    assert ("", "train: steps\ndistill\n") == capsys.readouterr()


def test_progress_of_long_work_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Work of many units says how far it is, a line for each tenth and not for each unit."""
    with output.progress() as on_progress:
        for done in range(41):
            on_progress({"step": "train", "done": done, "total": 40})

    expected = ["train"] + [f"train: {done} of 40" for done in range(4, 41, 4)]
    assert expected == capsys.readouterr().err.splitlines()


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is a bar on standard error, and markup in a step's name means nothing."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with output.progress() as on_progress:
        on_progress({"step": "import [/red].jsonl", "done": 1, "total": None})
        on_progress({"step": "import [/red].jsonl", "done": 2, "total": 2})

    assert "import [/red].jsonl" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()


def test_json_has_times(capsys: pytest.CaptureFixture[str]) -> None:
    """Times are ISO 8601 with their zone; what is not JSON is a bug."""
    output.say_json({"at": datetime(2026, 11, 1, 21, 4, tzinfo=UTC)})
    assert {"at": "2026-11-01T21:04:00+00:00"} == json.loads(capsys.readouterr().out)
    with pytest.raises(TypeError):
        output.say_json({"at": object()})


def test_persona_alone_shows_help(shell: Shell) -> None:
    """So that nobody stands before a silent program."""
    ran = shell.run()

    assert (0, "") == (ran.code, ran.err)
    assert "Usage: persona" in ran.out
    assert all(name in ran.out for name, _, _ in _COMMANDS)


@pytest.mark.parametrize(("name", "function"), [(name, function) for name, function, _ in _COMMANDS])
def test_every_command_explains_itself(
    shell: Shell, name: str, function: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a sentence, a word about every option and argument, and --json."""
    monkeypatch.setenv("COLUMNS", "300")
    ran = shell.run(name, "--help")

    first = inspect.getdoc(function)
    assert first is not None
    assert 0 == ran.code
    assert first.splitlines()[0].rstrip(".") in ran.out
    assert "--json" in ran.out
    for parameter in inspect.signature(function, eval_str=True).parameters.values():  # type: ignore[arg-type]
        if parameter.name != "context":
            option = parameter.annotation.__metadata__[0]
            assert option.help
            assert option.help.split(";")[0][:40] in ran.out


def test_all_commands_of_the_design() -> None:
    """The commands that other programs count on."""
    wanted = (
        "init chat ask import train preferences prefer habits revisions report diff rollback promote export"
        " status doctor fsck"
    )

    command: Any = typer.main.get_command(app)

    assert set(wanted.split()) <= set(command.commands)


def test_completion(shell: Shell) -> None:
    """The shells complete commands and options, and can be told so."""
    asked = {"_PERSONA_COMPLETE": "complete_bash", "COMP_WORDS": "persona rev", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "persona"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "revisions\n" == done.stdout
    assert "--install-completion" in shell.run("--help").out


def test_nothing_but_data_on_standard_output(shell: Shell, past: Past) -> None:
    """An error leaves standard output empty."""
    assert "" == shell.run("report", "r9", "--json").out
