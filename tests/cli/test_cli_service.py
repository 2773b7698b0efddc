"""`persona service`, and what `doctor` and `status` say about nights."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Past, Shell

from persona.cli.night_checks import clock_check, history_checks
from persona.daemon.place import only_daemon, tell_place
from persona.schedule.circumstances import Missing
from persona.schedule.policy import Reason, Wait
from persona.schedule.state import ScheduleFile, ScheduleState
from persona.service import Changed, ServiceStatus


class Scripted:
    """The fake beside the port: a service that remembers what was asked of it."""

    def __init__(self, file: Path) -> None:
        self.file, self.running = file, False

    def text(self) -> str:
        return "[Unit]\n"

    def install(self) -> Changed:
        before = self.file.exists()
        self.file.write_text(self.text())
        self.running = True
        return Changed.UNCHANGED if before else Changed.INSTALLED

    def uninstall(self) -> bool:
        before = self.file.exists()
        self.file.unlink(missing_ok=True)
        self.running = False
        return before

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def status(self) -> ServiceStatus:
        return ServiceStatus(
            installed=self.file.exists(),
            running=self.running,
            says="active" if self.running else "inactive",
            advice="" if self.running else "start it",
        )

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        return [sys.executable, "-c", f"import sys; sys.exit({0 if self.running else 4})"]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    scripted = Scripted(tmp_path / "persona.service")
    monkeypatch.setattr("persona.service.service_for", lambda program, kind=None: scripted)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return scripted


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """A home that a daemon can serve."""
    shell.persona().create()
    shell.known["base"] = object()
    return shell


def test_the_whole_life_of_a_service(ready: Shell, service: Scripted) -> None:
    """Installed, looked at, stopped, started, removed: each says what it came to."""
    assert ("installed", True) == tuple(
        ready.run("service", "install", "--json").json[name] for name in ("changed", "running")
    )
    assert "unchanged" in ready.run("service", "install").out
    assert ready.run("service", "status", "--json").json["running"] is True
    assert 0 == ready.run("service", "stop").code
    assert "start it" in ready.run("service", "status").out
    assert 0 == ready.run("service", "start").code
    assert 0 == ready.run("service", "logs", "-n", "5").code
    assert ready.run("service", "uninstall", "--json").json["removed"] is True
    assert "there was none" in ready.run("service", "uninstall").out


def test_not_beside_another_daemon(ready: Shell, service: Scripted) -> None:
    """One that a chat left behind would keep the service's out: it says which, and how it ends. The
    service's own is no reason: an upgrade restarts it."""
    home = ready.persona().home
    with only_daemon(home):
        tell_place(home, host="127.0.0.1", port=7437)
        refused = ready.run("service", "install")
        untouched = not service.file.exists()
        service.file.touch()
        service.start()
        upgraded = ready.run("service", "install")

    assert 75 == refused.code
    assert f"a daemon (pid {os.getpid()}) serves" in refused.err
    assert f"`kill {os.getpid()}`" in refused.err
    assert untouched
    assert 0 == upgraded.code


def test_not_before_there_is_a_home(shell: Shell, service: Scripted) -> None:
    """It would start and fail with every login."""
    ran = shell.run("service", "install")

    assert 2 == ran.code
    assert "`persona init`" in ran.err
    assert not service.file.exists()


@pytest.mark.parametrize("command", ["start", "stop"])
def test_nothing_installed(shell: Shell, service: Scripted, command: str) -> None:
    """It says how to."""
    ran = shell.run("service", command)

    assert 2 == ran.code
    assert "`persona service install` makes one" in ran.err


def test_logs_that_cannot_be_read(shell: Shell, service: Scripted) -> None:
    """One line."""
    ran = shell.run("service", "logs")

    assert 1 == ran.code
    assert "exit code 4" in ran.err


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_not_as_root(shell: Shell, service: Scripted, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is touched."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    ran = shell.run("service", command)

    assert 1 == ran.code
    assert "not as root" in ran.err
    assert not service.file.exists()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("systemd", "Type=notify"), ("launchd", "<key>RunAtLoad</key>"), ("windows", "LogonTrigger")],
)
def test_print_any_kind(shell: Shell, kind: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On any system, as anybody, with the home that is meant; nothing is written."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    ran = shell.run("service", "install", "--print", "--kind", kind)

    assert (0, "") == (ran.code, ran.err)
    assert words in ran.out
    assert shell.root.name in ran.out
    assert not shell.root.exists()


def test_a_kind_that_is_not_known(shell: Shell) -> None:
    """The known ones are named."""
    ran = shell.run("service", "install", "--kind", "runit")

    assert 2 == ran.code
    assert "known are systemd, launchd, windows" in ran.err


NOW = datetime.now(UTC)


def decided(shell: Shell) -> None:
    waiting = Wait(night=NOW.date(), reasons=(Reason(about="power", text="on battery"),))
    ScheduleFile(shell.persona().paths.schedule).write(ScheduleState().decided(waiting, NOW))


def test_status_says_why_not_tonight(shell: Shell, past: Past) -> None:
    """With and without a daemon."""
    assert "no daemon has looked yet" in shell.run("status").out

    decided(shell)
    assert "waiting: on battery" in shell.run("status").out
    found = shell.run("status", "--json").json["schedule"]
    assert ("wait", "23:00-07:00", True) == (found["decision"]["kind"], found["window"], found["enabled"])


def doctor(shell: Shell) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in shell.run("doctor", "--json").json["checks"]}


def test_doctor_looks_at_nights(
    shell: Shell, past: Past, service: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every probe, the clock, the service and the schedule; none of them is a failure."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    found = doctor(shell)

    names = [f"probe {name}" for name in ("idle", "power", "load", "memory", "disk")]
    assert {*names, "clock", "service", "schedule"} <= set(found)
    assert all(found[name]["state"] != "failure" for name in [*names, "clock", "service", "schedule"])
    assert ("warning", "start it") == (found["service"]["state"], found["service"]["advice"])
    assert ("warning", "`persona serve` runs the nights") == (
        found["schedule"]["state"],
        found["schedule"]["advice"],
    )
    service.running = True
    decided(shell)
    found = doctor(shell)
    assert ("ok", "ok") == (found["service"]["state"], found["schedule"]["state"])
    assert "on battery" in found["schedule"]["what"]


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        ("yes\n", "ok", "synchronised"),
        ("no\n", "warning", "not synchronised"),
        (Missing(reason="no bus"), "ok", "not known"),
    ],
)
def test_the_clock(answer: Any, state: str, words: str) -> None:
    """A clock that nobody keeps right moves the nights."""
    check = clock_check(lambda command: answer)

    assert state == check.state
    assert words in check.what
    assert check.what.startswith("zone ")


def conversations(home: Path, *days: float) -> None:
    folder = home / ".claude" / "projects" / "-home-ann-work"
    folder.mkdir(parents=True)
    for number, age in enumerate(days):
        file = folder / f"{number}.jsonl"
        file.touch()
        at = time.time() - age * 86_400
        os.utime(file, (at, at))


@pytest.mark.parametrize(
    ("settings", "state", "words"),
    [
        (None, "warning", "after 30 days; 2 of them within 7 days"),
        ({}, "warning", "after 30 days; 2 of them within 7 days"),
        ({"cleanupPeriodDays": 365}, "ok", "after 365 days"),
        ({"cleanupPeriodDays": "x"}, "warning", "its cleanupPeriodDays is no number"),
        ("{", "warning", "its settings cannot be read"),
    ],
)
def test_histories_about_to_be_deleted(tmp_path: Path, settings: Any, state: str, words: str) -> None:
    """Counted by what their own program keeps, with what to do about it."""
    conversations(tmp_path, 1, 24, 29)
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (tmp_path / ".claude" / "settings.json").write_text(text)
    (check,) = history_checks(tmp_path)

    assert state == check.state
    assert words in check.what
    assert ("cleanupPeriodDays" in check.advice) is (state == "warning")


def test_no_other_histories(tmp_path: Path) -> None:
    """Nothing to say."""
    assert [] == history_checks(tmp_path)
