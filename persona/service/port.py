"""The port of all services, and how they run the system's own commands."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from persona.errors import ServiceFailed

_PATIENCE = 90.0  # seconds; starting waits until the daemon says that it is ready


class Changed(StrEnum):
    """What an installation came to."""

    INSTALLED = "installed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """`says` is what the daemon or the system says of it; `advice` what to do if something is amiss."""

    installed: bool
    running: bool
    says: str
    advice: str = ""


OUTDATED = "it is of another version or place: `persona service install` renews and restarts it"


class Service(Protocol):
    """One kind of service, for the person who runs the command and nobody else; never root.

    Everything is idempotent. ServiceFailed when the system refuses, in its words.
    """

    @property
    def file(self) -> Path:
        """What `install` writes."""
        ...

    def text(self) -> str:
        """What is in it: a pure function of the Program."""
        ...

    def install(self) -> Changed:
        """Write, enable for every login, and start; restart where the text has changed."""
        ...

    def uninstall(self) -> bool:
        """Stop, disable, remove. False when there was nothing."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def status(self) -> ServiceStatus:
        """Its advice is OUTDATED while what is written is not what `install` would write now."""
        ...

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """A command that prints the daemon's last lines."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A command that ended; `said` is its last line on standard error, or on standard output."""

    code: int
    out: str
    said: str


Command = Callable[[Sequence[str]], Done]


def run_command(command: Sequence[str]) -> Done:
    """Run to the end. ServiceFailed when it does not exist or does not end."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        raise ServiceFailed(command, "it is not installed") from None
    except subprocess.TimeoutExpired:
        raise ServiceFailed(command, f"no answer for {_PATIENCE:.0f} s") from None
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return Done(code=done.returncode, out=done.stdout, said=lines[-1] if lines else "")


def demand(run: Command, command: Sequence[str]) -> str:
    """What it printed; ServiceFailed unless it succeeded."""
    done = run(command)
    if done.code:
        raise ServiceFailed(command, done.said or f"exit code {done.code}")
    return done.out
