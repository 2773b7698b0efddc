"""A systemd user unit.

It holds no option that gives a user unit namespaces (ProtectSystem, PrivateTmp and their like): each of them
turns on PrivateUsers, and then the files of everyone else seem to belong to nobody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.durable import make_directory, remove_file, write_file
from persona.errors import BadInput
from persona.service.port import OUTDATED, Changed, Command, ServiceStatus, demand, run_command
from persona.service.program import Program

UNIT = "persona.service"

_TEXT = """\
# persona {version}; written by `persona service install`, which replaces it
[Unit]
Description=persona, a personal model that learns overnight
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Environment={home}
WatchdogSec=60
TimeoutStartSec=180
TimeoutStopSec=60
Restart=on-failure
RestartSec=10
# A wrong setting, a damaged file, another daemon in this home: starting again changes none of them.
RestartPreventExitStatus=2 4 5 75
KillMode=mixed
# The trainer may run out of memory; the daemon that answers stays.
OOMPolicy=continue
# A night's children get control groups of their own, with limits that the kernel keeps.
Delegate=memory
UMask=0077
# A core would hold what the person wrote.
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
"""


class SystemdService:
    """Of the user manager that this process can reach."""

    def __init__(
        self, program: Program, *, environ: Mapping[str, str] = os.environ, run: Command = run_command
    ) -> None:
        self._program, self._run = program, run
        config = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        self._folder = Path(config) / "systemd" / "user"

    @property
    def file(self) -> Path:
        return self._folder / UNIT

    def text(self) -> str:
        program = self._program
        return _TEXT.format(
            version=program.version,
            command=_command(program.command),
            home=_quoted(f"PERSONA_HOME={program.home}"),
        )

    def install(self) -> Changed:
        before = self.file.read_text() if self.file.exists() else None
        changed = before != self.text()
        if changed:
            make_directory(self._folder)
            write_file(self.file, self.text().encode())
            demand(self._run, _systemctl("daemon-reload"))
        demand(self._run, _systemctl("enable", UNIT))
        demand(self._run, _systemctl("restart" if changed else "start", UNIT))
        if not changed:
            return Changed.UNCHANGED
        return Changed.INSTALLED if before is None else Changed.UPDATED

    def uninstall(self) -> bool:
        if not self.file.exists():
            return False
        demand(self._run, _systemctl("disable", "--now", UNIT))
        remove_file(self.file)
        demand(self._run, _systemctl("daemon-reload"))
        return True

    def start(self) -> None:
        demand(self._run, _systemctl("start", UNIT))

    def stop(self) -> None:
        demand(self._run, _systemctl("stop", UNIT))

    def status(self) -> ServiceStatus:
        if not self.file.exists():
            return ServiceStatus(installed=False, running=False, says="no unit", advice=_INSTALL)
        shown = demand(
            self._run, _systemctl("show", UNIT, "--property=ActiveState,SubState,StatusText,Result")
        )
        found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        state = f"{found.get('ActiveState', 'unknown')} ({found.get('SubState', 'unknown')})"
        running = found.get("ActiveState") == "active"
        advice = "" if running else "`persona service logs` says more; `persona service start` starts it"
        if self.file.read_text() != self.text():
            advice = OUTDATED
        return ServiceStatus(
            installed=True,
            running=running,
            says=f"{state}: {found['StatusText']}" if found.get("StatusText") else state,
            advice=advice or self._linger(),
        )

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        rest = ["--follow"] if follow else ["--no-pager"]
        return ["journalctl", "--user", f"--unit={UNIT}", f"--lines={lines}", *rest]

    def _linger(self) -> str:
        """A user manager ends with the last session, and takes the night along."""
        done = self._run(["loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value"])
        if done.code or done.out.strip() != "no":
            return ""
        return "it ends when you log out; `loginctl enable-linger` lets it run on"


_INSTALL = "`persona service install` makes it start with every login"


def _systemctl(*arguments: str) -> list[str]:
    return ["systemctl", "--user", *arguments]


def _command(words: Sequence[str]) -> str:
    """systemd takes no quotes and no backslash in a program's own name, and replaces variables after it."""
    start = ["/usr/bin/env", *words] if set("'\"\\") & set(words[0]) else list(words)
    first, *rest = start
    return " ".join([_quoted(first), *(_quoted(word, command=True) for word in rest)])


def _quoted(word: str, *, command: bool = False) -> str:
    """As systemd reads it back: % begins a specifier, and in a command $ a variable."""
    if not word.isprintable():
        raise BadInput(f"{word!r}: a unit cannot name a path with control characters")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if command:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"'
