"""Every expected end of a command is one line and a documented exit code; bugs are not dressed up."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from cli_parts import Past, Shell

import adapters.errors as registry
import store.errors as store
from persona import errors
from persona.__main__ import main
from persona.bootstrap import Persona
from persona.cli.failure import failure_of
from persona.lock import home_lock
from persona.paths import Home

ROOT = Path(__file__).parents[2]
NO_SPACE = OSError(errno.ENOSPC, "No space left on device", "/home/x")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.BadInput("no"), 2),
        (errors.NotInstalled("x"), 2),
        (errors.SomeSkipped(2, "lines"), 3),
        (errors.BaseMismatch("r1", "a", "b"), 4),
        (errors.Damaged(Path("x"), "y", "z"), 5),
        (errors.EngineError("no"), 6),
        (errors.BrokenNumerics("no"), 7),
        (errors.NoSpace(Path("x"), 2, 1), 8),
        (errors.PreparationFailed("b", "w", "a"), 9),
        (errors.Busy(Path("x")), 75),
        (registry.UnknownRevision("r9"), 2),
        (registry.AmbiguousRevision("abcd", ["rev-1", "rev-2"]), 2),
        (registry.NotAllowed("promote", "r0", "it is"), 2),
        (registry.UnknownFormat(Path("x"), "y", "z"), 4),
        (registry.Damaged(Path("x"), "y"), 5),
        (registry.NotPublishable(Path("x"), "y"), 7),
        (registry.WriteFailed(Path("x"), NO_SPACE), 8),
        (registry.WriteFailed(Path("x"), OSError(errno.EIO, "Input/output error")), 1),
        (registry.ChampionMoved("r1", "r2"), 75),
        (registry.Locked(Path("x"), 30), 75),
        (store.UnknownId("run", "x"), 2),
        (store.SchemaTooNew(Path("x"), ["m"]), 4),
        (store.StoreDamaged(Path("x"), "y"), 5),
        (store.NotAStore(Path("x"), "y"), 5),
        (store.StoreFull(Path("x")), 8),
        (store.StoreBusy(Path("x"), 5), 75),
        (store.RunOpen("a", "b"), 75),
        (store.StoreUnusable(Path("x"), "y"), 1),
        (NO_SPACE, 8),
        (OSError(errno.EROFS, "Read-only file system", "/home/x"), 1),
        (PermissionError(errno.EACCES, "Permission denied", "/home/x"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_exit_codes(error: Exception, expected: int) -> None:
    """The table of exit codes, for the errors of persona, adapters, store and the machine."""
    failure = failure_of(error)

    assert failure is not None
    assert expected == failure.exit_code
    assert failure.line
    assert "\n" not in failure.line


def test_every_class_of_the_trees_is_expected() -> None:
    """No error class of store and adapters is left out, whatever is added to the trees."""
    for tree in (registry.RegistryError, store.StoreError, errors.PersonaError):
        for kind in [tree, *descendants(tree)]:
            error = kind.__new__(kind)
            Exception.__init__(error, "x")
            error.__dict__.setdefault("errno", errno.EIO)
            assert failure_of(error) is not None, kind


def descendants(kind: type[Exception]) -> list[type[Exception]]:
    return [below for child in kind.__subclasses__() for below in (child, *descendants(child))]


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), FileNotFoundError(errno.ENOENT, "x")])
def test_bugs_are_not_expected(error: Exception) -> None:
    """Everything else keeps its traceback."""
    assert failure_of(error) is None


def test_a_bug_leaves_as_it_is() -> None:
    """An unexpected error in a command comes out unchanged."""

    def broken() -> Persona:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main(["revisions"], open_persona=broken)


def test_before_init(shell: Shell) -> None:
    """Without a home every command says what to do first, and makes nothing."""
    for command in ("revisions", "status", "preferences", "report", "fsck"):
        ran = shell.run(command)
        assert (2, "") == (ran.code, ran.out), command
        assert "run `persona init` first" in ran.err, command
    assert not shell.root.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["frobnicate"], "No such command"),
        (["revisions", "--frob"], "No such option"),
        (["export", "r1"], "Missing argument"),
        (["export", "r1", "out", "--format", "zip"], "Invalid value for '--format'"),
        (["ask", "x", "--temperature", "9"], "Invalid value for '--temperature'"),
    ],
)
def test_mistakes_on_the_command_line(shell: Shell, arguments: list[str], expected: str) -> None:
    """One line that names the mistake and the help; exit code 2."""
    ran = shell.run(*arguments)

    assert (2, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))
    assert ran.err.startswith(f"persona: {expected}")
    assert re.search(r"see `persona .*--help`", ran.err)


def test_a_wrong_setting_is_named(shell: Shell, past: Past) -> None:
    """config.toml is read before anything is done."""
    (shell.root / "config.toml").write_text("[trian]\n")
    ran = shell.run("revisions")

    assert 2 == ran.code
    assert "did you mean 'train'?" in ran.err


def test_a_full_disk_is_one_line(
    shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ENOSPC from deep inside is exit code 8 with the file's name."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "out"))

    monkeypatch.setattr("persona.cli.export.write_file", full)
    ran = shell.run("export", "r2", str(tmp_path / "out"))

    assert 8 == ran.code
    assert f"persona: {tmp_path / 'out'}: No space left on device; free some space and try again\n" == ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_below_standard_output(shell: Shell, past: Past) -> None:
    """`persona revisions > file` on a full disk fails, and says why."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            persona(shell, "revisions"), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (8, "persona: No space left on device; free some space and try again\n") == (
        done.returncode,
        done.stderr,
    )


def persona(shell: Shell, *arguments: str) -> list[str]:
    return ["env", f"PERSONA_HOME={shell.root}", sys.executable, "-m", "persona", *arguments]


def test_a_closed_pipe_is_quiet(shell: Shell, past: Past) -> None:
    """`persona revisions | head -c 0` says nothing on standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        persona(shell, "revisions"), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)

    assert (1, "") == (done.returncode, done.stderr)


def test_a_second_process_is_busy(shell: Shell, past: Past) -> None:
    """While one process works in the home another night is refused with 75; reading goes on."""
    with home_lock(Home(shell.root).root):
        done = subprocess.run(persona(shell, "train", "--now"), capture_output=True, text=True, check=False)
        assert (75, "") == (done.returncode, done.stdout)
        assert "another persona process is at work" in done.stderr
        assert 0 == shell.run("revisions").code
        assert 0 == shell.run("rollback").code


SLOW = """
import sys, time
from pathlib import Path
from persona.__main__ import main
from persona.__main__ import main
from persona.bootstrap import Persona
from persona.paths import Home
def slow(persona, revision):
    print("opening", file=sys.stderr, flush=True)
    time.sleep(60)
sys.exit(main(["ask", "x"], open_persona=lambda: Persona(
    home=Home(Path(sys.argv[1])), environ={}, engine_opener=slow)))
"""


def test_ctrl_c(shell: Shell, past: Past) -> None:
    """Ctrl-C in a long command is exit code 130 without a traceback."""
    command = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(shell.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr is not None
    assert "opening\n" == command.stderr.readline()
    time.sleep(0.1)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=20)

    assert (130, "", "") == (command.returncode, out, err)


@pytest.mark.parametrize(("module", "extra"), [("web", "web"), ("app", "")])
def test_what_is_not_installed_comes_from_persona_s_own_folder(
    shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    """No index has it: the command that is advised names this interpreter, the folder, and an extra that is
    there."""
    monkeypatch.setitem(sys.modules, f"persona.tui.{module}", None)
    monkeypatch.setenv("PERSONA_HOME", "")

    ran = shell.run("chat", "--web")
    *command, what = shlex.split(ran.err.split("`")[1])
    folder, _, named = what.rstrip("]").partition("[")

    assert (2, [sys.executable, "-m", "pip", "install", "-e"]) == (ran.code, command)
    assert ROOT == Path(folder)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert (extra, True) == (named, not extra or extra in known)


def test_servers_of_tools_without_what_speaks_to_them(
    shell: Shell, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same way, before the chat begins."""
    Home(shell.root).config.write_text('[chat.tools]\nclock = "none"\n')
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    ran = shell.run("chat", "--plain")

    assert 2 == ran.code
    assert f"-m pip install -e '{ROOT}[mcp]'` brings it" in ran.err
