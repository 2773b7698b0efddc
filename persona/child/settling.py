"""A new process settles into the role of a child: low in every queue, and gone when its parent is.

It happens in the child itself and not between fork and exec, where a parent with threads could deadlock, and
before anything heavy is imported, so nothing heavy ever runs at the user's priority.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_PR_SET_PDEATHSIG = 1
_OOM_SCORE = "800"  # of 1000: when memory runs out the kernel takes the child, not the user's programs
_LOW, _LOWEST = 10, 19
_WATCH_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """Whose child this is, and how it may use the machine. See Budget for `idle` and `file_bytes`."""

    parent: int
    idle: bool = False
    file_bytes: int | None = None


def settle(role: Role) -> None:
    """Take every place at the end of a queue that this system has; what it does not have is left out."""
    die_with(role.parent)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    _step_back_for_processor(idle=role.idle)
    _step_back_for_disk()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold what the user wrote
    if role.file_bytes is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        most = role.file_bytes if hard == resource.RLIM_INFINITY else min(role.file_bytes, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def die_with(parent: int) -> None:
    """Be killed when the process `parent`, which started this one, ends in whatever way."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        watch_parent(parent)
    if os.getppid() != parent:  # it died before the lines above could take effect
        os.kill(os.getpid(), signal.SIGKILL)


def watch_parent(parent: int, *, every: float = _WATCH_SECONDS) -> None:
    """End this process within about `every` seconds of its parent's end, where the kernel does not do it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _step_back_for_processor(*, idle: bool) -> None:
    nice = _LOWEST if idle else _LOW
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
    # A session of its own is a scheduling group of its own where the kernel groups by session, and there a
    # process's nice value counts inside the group only. The group has one too.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")
    if idle and hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _step_back_for_disk() -> None:
    own: Any = psutil.Process()
    if hasattr(own, "ionice") and sys.platform == "linux":
        with contextlib.suppress(psutil.Error, OSError):
            own.ionice(psutil.IOPRIO_CLASS_IDLE)
