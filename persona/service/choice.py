"""Which kind of service this system has."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from persona.errors import RefusedAsRoot
from persona.service.launchd import LaunchdService
from persona.service.port import Service
from persona.service.program import Program
from persona.service.systemd import SystemdService
from persona.service.task import TaskService

KINDS: Mapping[str, Callable[[Program], Service]] = {
    "systemd": SystemdService,
    "launchd": LaunchdService,
    "windows": TaskService,
}
_OF_PLATFORM = {"darwin": "launchd", "win32": "windows"}


def service_for(program: Program, kind: str | None = None, platform: str = sys.platform) -> Service:
    """`kind` is a key of KINDS; None: the one of this system."""
    return KINDS[kind or _OF_PLATFORM.get(platform, "systemd")](program)


def refuse_root() -> None:
    """RefusedAsRoot: what persona learns belongs to a person, and root's daemon would be everybody's risk."""
    if getattr(os, "geteuid", lambda: 1)() == 0:
        raise RefusedAsRoot
