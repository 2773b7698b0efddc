"""A launchd agent of the person's graphical session."""

from __future__ import annotations

import os
import plistlib
import time
from pathlib import Path

from adapters.durable import make_directory, remove_file, write_file
from persona.service.port import OUTDATED, Changed, Command, ServiceStatus, demand, run_command
from persona.service.program import Program

LABEL = "io.persona.daemon"
_TRIES = 10  # launchd takes a moment to forget an agent that was taken out
_BETWEEN = 0.5  # seconds


class LaunchdService:
    def __init__(self, program: Program, *, folder: Path | None = None, run: Command = run_command) -> None:
        self._program, self._run = program, run
        self._folder = folder or Path.home() / "Library" / "LaunchAgents"
        self._domain = f"gui/{os.getuid()}"

    @property
    def file(self) -> Path:
        return self._folder / f"{LABEL}.plist"

    def text(self) -> str:
        program = self._program
        agent = {
            "Label": LABEL,
            "ProgramArguments": list(program.command),
            "EnvironmentVariables": {"PERSONA_HOME": str(program.home), "PERSONA_VERSION": program.version},
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": 60,
            # Not Background: that would slow the answers. The nights lower themselves.
            "ProcessType": "Standard",
            "Umask": 0o077,
            "HardResourceLimits": {"Core": 0},
            "StandardOutPath": str(program.log),
            "StandardErrorPath": str(program.log),
        }
        return plistlib.dumps(agent, sort_keys=False).decode()

    def install(self) -> Changed:
        before = self.file.read_text() if self.file.exists() else None
        changed = before != self.text()
        if changed:
            make_directory(self._folder)
            make_directory(self._program.log.parent)
            write_file(self.file, self.text().encode())
            if self._loaded():
                demand(self._run, ["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        self.start()
        if not changed:
            return Changed.UNCHANGED
        return Changed.INSTALLED if before is None else Changed.UPDATED

    def uninstall(self) -> bool:
        if self._loaded():
            self.stop()
        if not self.file.exists():
            return False
        remove_file(self.file)
        return True

    def start(self) -> None:
        if self._loaded():
            demand(self._run, ["launchctl", "kickstart", f"{self._domain}/{LABEL}"])
            return
        load = ["launchctl", "bootstrap", self._domain, str(self.file)]
        for _ in range(_TRIES - 1):
            if self._run(load).code == 0:
                return
            time.sleep(_BETWEEN)
        demand(self._run, load)

    def stop(self) -> None:
        """An agent that is only killed comes back: it is taken out until the next login or start."""
        if self._loaded():
            demand(self._run, ["launchctl", "bootout", f"{self._domain}/{LABEL}"])

    def status(self) -> ServiceStatus:
        if not self.file.exists():
            return ServiceStatus(
                installed=False,
                running=False,
                says="no agent",
                advice="`persona service install` makes it start with every login",
            )
        outdated = OUTDATED if self.file.read_text() != self.text() else ""
        done = self._run(["launchctl", "print", f"{self._domain}/{LABEL}"])
        if done.code:
            return ServiceStatus(
                installed=True,
                running=False,
                says="not loaded",
                advice=outdated or "`persona service start` starts it",
            )
        states = [line.split("=", 1)[1].strip() for line in done.out.splitlines() if "state =" in line]
        state = states[0] if states else "unknown"
        running = state == "running"
        return ServiceStatus(
            installed=True,
            running=running,
            says=state,
            advice=outdated or ("" if running else f"{self._program.log} says more"),
        )

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        return ["tail", "-n", str(lines), *(["-f"] if follow else []), str(self._program.log)]

    def _loaded(self) -> bool:
        return self._run(["launchctl", "print", f"{self._domain}/{LABEL}"]).code == 0
