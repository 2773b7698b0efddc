"""The three texts, held to files that a person has read. UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from persona.errors import BadInput
from persona.service import KINDS, Program, service_for
from persona.service.launchd import LaunchdService
from persona.service.systemd import SystemdService
from persona.service.task import TaskService

GOLDEN = Path(__file__).parent / "golden"
FILES = {"systemd": "persona.service", "launchd": "io.persona.daemon.plist", "windows": "persona.xml"}
ANN = Program(
    command=("/home/ann/.local/bin/persona", "serve"),
    home=Path("/home/ann/.local/share/persona"),
    version="0.1.0",
)
ODD = '/home/ann o\'neil/100% $HOME "tools"\\x/persona'


@pytest.mark.parametrize("kind", FILES)
def test_golden(kind: str) -> None:
    """Every line of them is meant."""
    file = GOLDEN / FILES[kind]
    text = KINDS[kind](ANN).text()
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert file.read_text(encoding="utf-8") == text


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith(("#", "["))]


# systemd.exec(5): in a user unit each of these turns on PrivateUsers, and files of others belong to nobody.
NAMESPACES = {
    "PrivateUsers", "PrivateTmp", "PrivateDevices", "PrivateNetwork", "PrivateIPC", "PrivateMounts",
    "ProtectSystem", "ProtectHome", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs",
    "ProtectControlGroups", "ProtectClock", "ProtectHostname", "ProtectProc", "ProcSubset", "MountAPIVFS",
    "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths", "BindPaths",
    "BindReadOnlyPaths", "TemporaryFileSystem", "RootDirectory", "RootImage", "MountImages", "DynamicUser",
    "NetworkNamespacePath", "CapabilityBoundingSet", "AmbientCapabilities", "User", "Group",
    "MemoryDenyWriteExecute",  # not a namespace: it ends the compilers inside torch
}  # fmt: skip


def test_no_namespaces_in_a_user_unit() -> None:
    """And nothing else that only root can have."""
    assert set() == {line.split("=")[0] for line in lines(SystemdService(ANN).text())} & NAMESPACES


@pytest.mark.parametrize(
    "line",
    ["Type=notify", "WatchdogSec=60", "OOMPolicy=continue", "UMask=0077", "NoNewPrivileges=yes",
     "Restart=on-failure", "LimitCORE=0", "KillMode=mixed", "WantedBy=default.target"],
)  # fmt: skip
def test_what_the_unit_promises(line: str) -> None:
    """A trainer out of memory takes no daemon along; nothing is left behind for others to read."""
    assert line in lines(SystemdService(ANN).text())


def verify(text: str, folder: Path) -> str:
    """What systemd-analyze says of a unit; skips where it cannot run."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not on this machine")
    unit = folder / "persona.service"
    unit.write_text(text)
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        [tool, "verify", "--user", "--man=no", str(unit)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Failed to initialize manager" in done.stderr:
        pytest.skip(f"systemd-analyze cannot verify here: {done.stderr.strip()}")
    return done.stderr if done.returncode or done.stderr else ""


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    """Without a word; and it would have one for a mistake."""
    odd = [tmp_path / name / "persona" for name in ("odd $HOME 100% x", 'o\'neil "quoted" \\x')]
    for command in odd:
        command.parent.mkdir()
        shutil.copy(shutil.which("true") or sys.executable, command)
    for program in ("/bin/true", *map(str, odd)):
        text = SystemdService(Program(command=(program, "serve"), home=tmp_path, version="1")).text()
        assert "" == verify(text, tmp_path)
    assert "Unknown key" in verify(text.replace("Restart=", "Restrat="), tmp_path)
    gone = SystemdService(Program(command=("/no/persona",), home=tmp_path, version="1")).text()
    assert "is not executable" in verify(gone, tmp_path)


def test_quoting() -> None:
    """Specifiers, variables, quotes and spaces mean themselves."""
    text = SystemdService(Program(command=(ODD, "serve"), home=Path(ODD), version="1")).text()

    assert '="/usr/bin/env" "/home/ann o\'neil/100%% $$HOME \\"tools\\"\\\\x/persona" "serve"' in text
    assert 'Environment="PERSONA_HOME=/home/ann o\'neil/100%% $HOME \\"tools\\"\\\\x/persona"' in text


def test_a_path_that_would_write_lines_of_its_own() -> None:
    """It is refused."""
    evil = Path("/home/ann\nExecStartPre=/bin/evil")

    with pytest.raises(BadInput, match="control characters"):
        SystemdService(Program(command=("/bin/true",), home=evil, version="1")).text()


def test_launchd_reads_the_plist() -> None:
    """It comes back whole, whatever the path is called."""
    agent = plistlib.loads(
        LaunchdService(Program(command=(ODD, "serve"), home=Path(ODD), version="1")).text().encode()
    )

    assert [ODD, "serve"] == agent["ProgramArguments"]
    assert ODD == agent["EnvironmentVariables"]["PERSONA_HOME"]
    assert (True, {"SuccessfulExit": False}, 0o077) == (
        agent["RunAtLoad"],
        agent["KeepAlive"],
        agent["Umask"],
    )


def test_windows_reads_the_task() -> None:
    """The XML is whole, and nobody's rights grow."""
    text = TaskService(Program(command=(ODD, "-m", "persona", "serve"), home=Path(ODD), version="1")).text()
    task = ET.fromstring(text.split("\n", 1)[1])
    found = {element.tag.split("}")[1]: element.text for element in task.iter()}

    assert (ODD, "-m persona serve") == (found["Command"], found["Arguments"])
    assert ("LeastPrivilege", "InteractiveToken", "false") == (
        found["RunLevel"],
        found["LogonType"],
        found["StopIfGoingOnBatteries"],
    )


def test_the_program_of_this_installation(tmp_path: Path) -> None:
    """By absolute path: the script beside the interpreter, or else the interpreter itself."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    without = Program.installed(tmp_path, "1", str(python))
    (tmp_path / "bin" / "persona").touch()

    assert (str(python), "-m", "persona", "serve") == without.command
    assert (str(tmp_path / "bin" / "persona"), "serve") == Program.installed(
        tmp_path, "1", str(python)
    ).command


@pytest.mark.parametrize(
    ("platform", "kind"), [("linux", SystemdService), ("darwin", LaunchdService), ("win32", TaskService)]
)
def test_the_kind_of_a_system(platform: str, kind: type) -> None:
    """Each has its own."""
    assert isinstance(service_for(ANN, platform=platform), kind)
