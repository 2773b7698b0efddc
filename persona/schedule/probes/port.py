"""The port of all probes, and how they ask other programs.

A probe never raises for what a machine may be like: it has a reading, or says why it has none.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from persona.schedule.circumstances import Missing

T_co = TypeVar("T_co", covariant=True)
_PATIENCE = 5.0  # seconds; a bus that does not answer must not hold up the tick


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """A measured value."""

    value: T_co


class Probe(Protocol[T_co]):
    """One source of one quantity. `name` tells it from the others in `doctor`.

    `read` may take seconds (it asks other programs) and comes from one thread at a time. It returns Missing
    with a reason where the source does not exist, does not answer or does not know; it raises nothing.
    """

    @property
    def name(self) -> str: ...

    def read(self) -> Reading[T_co] | Missing: ...


Ask = Callable[[Sequence[str]], "str | Missing"]
"""Runs a program and returns what it printed."""


def ask_program(command: Sequence[str]) -> str | Missing:
    """What `command` prints, or Missing: not installed, failed, or took too long."""
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
        return Missing(reason=f"{command[0]} is not installed")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Missing(reason=f"{command[0]}: {error}")
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return Missing(reason=f"{command[0]}: {said[-1]}")
    return done.stdout
