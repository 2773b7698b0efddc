"""Installing, again and again, against managers that behave as the real ones do as far as they are asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from persona.errors import RefusedAsRoot, ServiceFailed
from persona.service import Changed, Program, Service
from persona.service.choice import refuse_root
from persona.service.launchd import LaunchdService
from persona.service.port import OUTDATED, Done, run_command
from persona.service.systemd import SystemdService
from persona.service.task import TaskService


def done(out: str = "", code: int = 0, said: str = "") -> Done:
    return Done(code=code, out=out, said=said)


@dataclass
class Systemd:
    """A user manager: what is enabled, what runs, and the unit as it last read it."""

    file: Path
    lingers: str = "no"
    running: str | None = None
    enabled: bool = False
    loaded: str | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> Done:
        line = " ".join(command)
        self.asked.append(line)
        match list(command[2:]) if command[0] == "systemctl" else list(command):
            case ["daemon-reload"]:
                self.loaded = self.file.read_text() if self.file.exists() else None
            case ["enable", "persona.service"] if self.loaded:
                self.enabled = True
            case ["start", "persona.service"] if self.loaded:
                self.running = self.running or self.loaded
            case ["restart", "persona.service"] if self.loaded:
                self.running = self.loaded
            case ["stop", "persona.service"] if self.loaded:
                self.running = None
            case ["disable", "--now", "persona.service"] if self.loaded:
                self.running, self.enabled = None, False
            case ["show", *_]:
                state, sub = ("active", "running") if self.running else ("inactive", "dead")
                return done(f"ActiveState={state}\nSubState={sub}\nStatusText=answering\n")
            case ["loginctl", "show-user", *_]:
                return done(f"{self.lingers}\n")
            case _:
                return done(code=5, said="Unit persona.service not found.")
        return done()


@dataclass
class Launchd:
    """A domain: the agent as it was loaded. It needs a moment after one was taken out."""

    file: Path
    loaded: str | None = None
    busy: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def running(self) -> str | None:
        return self.loaded

    def __call__(self, command: Sequence[str]) -> Done:
        self.asked.append(" ".join(command))
        match list(command[1:2]):
            case ["print"] if self.loaded:
                return done("io.persona.daemon = {\n\tstate = running\n}\n")
            case ["bootstrap"] if self.busy:
                self.busy -= 1
                return done(code=5, said="Bootstrap failed: 5: Input/output error")
            case ["bootstrap"] if not self.loaded:
                self.loaded = self.file.read_text()
                return done()
            case ["bootout"] if self.loaded:
                self.loaded, self.busy = None, 2
                return done()
            case ["kickstart"] if self.loaded:
                return done()
        return done(code=113, said="Could not find service")


@dataclass
class Tasks:
    """The Task Scheduler."""

    file: Path
    made: str | None = None
    running: str | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> Done:
        self.asked.append(" ".join(command))
        match command[1]:
            case "/Create":
                self.made = self.file.read_bytes().decode("utf-16")
            case "/Run" if self.made:
                self.running = self.running or self.made
            case "/End" if self.running:
                self.running = None
            case "/Delete" if self.made:
                self.made = None
            case "/Query" if self.made:
                return done(f'"\\persona","N/A","{"Running" if self.running else "Ready"}"\r\n')
            case _:
                return done(code=1, said="ERROR: The system cannot find the file specified.")
        return done()


@dataclass
class Bench:
    """A service, its manager, and the same service of another version."""

    service: Service
    manager: Any
    upgraded: Service


def systemd(program: Program, folder: Path) -> Bench:
    environ = {"XDG_CONFIG_HOME": str(folder / "config")}
    manager = Systemd(SystemdService(program, environ=environ).file)
    make = lambda p: SystemdService(p, environ=environ, run=manager)  # noqa: E731
    return Bench(make(program), manager, make(replace(program, version="0.2.0")))


def launchd(program: Program, folder: Path) -> Bench:
    manager = Launchd(LaunchdService(program, folder=folder / "agents").file)
    make = lambda p: LaunchdService(p, folder=folder / "agents", run=manager)  # noqa: E731
    return Bench(make(program), manager, make(replace(program, version="0.2.0")))


def task(program: Program, folder: Path) -> Bench:
    manager = Tasks(TaskService(program).file)
    make = lambda p: TaskService(p, run=manager)  # noqa: E731
    return Bench(make(program), manager, make(replace(program, version="0.2.0")))


@pytest.fixture(params=[systemd, launchd, task])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("persona.service.launchd._BETWEEN", 0.0)
    program = Program(command=("/opt/persona", "serve"), home=tmp_path / "home", version="0.1.0")
    made: Callable[[Program, Path], Bench] = request.param
    return made(program, tmp_path)


def test_install(bench: Bench) -> None:
    """It is written, begun with every login, and runs now; nobody else may change it."""
    assert not bench.service.status().installed
    assert Changed.INSTALLED == bench.service.install()

    status = bench.service.status()
    assert (True, True) == (status.installed, status.running)
    assert bench.service.text() == bench.manager.running
    assert 0 == bench.service.file.stat().st_mode & 0o077


def test_install_again(bench: Bench) -> None:
    """Nothing changes, and what runs goes on; what was stopped starts."""
    bench.service.install()
    before = bench.service.file.stat().st_mtime_ns

    assert Changed.UNCHANGED == bench.service.install()
    assert before == bench.service.file.stat().st_mtime_ns
    bench.service.stop()
    assert not bench.service.status().running
    assert Changed.UNCHANGED == bench.service.install()
    assert bench.service.status().running


def test_an_upgrade_restarts_it(bench: Bench) -> None:
    """What runs afterwards is the new one; and until then its status asks for it."""
    bench.service.install()
    assert OUTDATED != bench.service.status().advice
    assert OUTDATED == bench.upgraded.status().advice

    assert Changed.UPDATED == bench.upgraded.install()
    assert bench.upgraded.text() == bench.manager.running
    assert OUTDATED != bench.upgraded.status().advice


def test_uninstall(bench: Bench) -> None:
    """Nothing is left, and once more is nothing."""
    bench.service.install()

    assert bench.service.uninstall()
    assert not bench.service.file.exists()
    assert bench.manager.running is None
    assert not bench.service.uninstall()
    status = bench.service.status()
    assert (False, False) == (status.installed, status.running)
    assert "persona service install" in status.advice


def test_stop_and_start(bench: Bench) -> None:
    """It stays stopped until it is started."""
    bench.service.install()
    bench.service.stop()
    assert not bench.service.status().running
    assert bench.service.status().advice

    bench.service.start()
    assert bench.service.status().running


@pytest.mark.parametrize(("lingers", "advised"), [("no", True), ("yes", False), ("", False)])
def test_linger_is_explained(lingers: str, advised: bool, tmp_path: Path) -> None:
    """A user manager ends with the last session."""
    made = systemd(Program(command=("/opt/persona", "serve"), home=tmp_path, version="1"), tmp_path)
    made.manager.lingers = lingers
    made.service.install()

    assert advised is ("loginctl enable-linger" in made.service.status().advice)


def test_a_manager_that_refuses(tmp_path: Path) -> None:
    """Its own words, and what to do without it."""

    def refuse(command: Sequence[str]) -> Done:
        return done(code=1, said="Failed to connect to bus: No medium found")

    service = SystemdService(
        Program(command=("/opt/persona",), home=tmp_path, version="1"),
        environ={"XDG_CONFIG_HOME": str(tmp_path)},
        run=refuse,
    )
    with pytest.raises(
        ServiceFailed, match="daemon-reload: Failed to connect to bus: No medium found"
    ) as refused:
        service.install()

    assert "`persona serve` runs without a service manager" in str(refused.value)


def test_an_agent_that_never_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """launchd gets its moment, not all day."""
    monkeypatch.setattr("persona.service.launchd._BETWEEN", 0.0)
    made = launchd(Program(command=("/opt/persona",), home=tmp_path, version="1"), tmp_path)
    made.manager.busy = 10**6

    with pytest.raises(ServiceFailed, match="Input/output error"):
        made.service.install()


def test_commands_that_are_not_there(tmp_path: Path) -> None:
    """One line, not a traceback."""
    with pytest.raises(ServiceFailed, match="/no/systemctl start: it is not installed"):
        run_command(["/no/systemctl", "start"])


def test_a_command_that_runs() -> None:
    """What it printed, its code and its last words."""
    ran = run_command(["sh", "-c", "echo out; echo why >&2; exit 3"])

    assert Done(code=3, out="out\n", said="why") == ran


def test_logs(tmp_path: Path) -> None:
    """The system's own way to read them."""
    program = Program(command=("/opt/persona",), home=tmp_path, version="1")

    journal = SystemdService(program).log_command(20, follow=True)
    assert ["journalctl", "--user", "--unit=persona.service", "--lines=20", "--follow"] == journal
    tail = LaunchdService(program).log_command(20, follow=False)
    assert ["tail", "-n", "20", str(tmp_path / "logs" / "daemon.log")] == tail
    with pytest.raises(ServiceFailed, match="Windows keeps no log"):
        TaskService(program).log_command(20, follow=False)


@pytest.mark.parametrize(("user", "refused"), [(0, True), (1000, False)])
def test_never_root(user: int, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """root's persona would be everybody's."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if not refused:
        refuse_root()
        return
    with pytest.raises(RefusedAsRoot, match="not as root"):
        refuse_root()
