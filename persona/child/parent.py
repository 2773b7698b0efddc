"""The parent's side: start a child, follow it, hold it to its budget, and take its result or its error.

No way out of `run_child` leaves the child or its process group behind: no return, no error, no Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from adapters.durable import write_file
from adapters.errors import WriteFailed
from adapters.failpoint import reach
from persona.child.budget import Budget, Excess, Resource, Usage
from persona.child.ending import ask, end
from persona.child.environment import child_environment
from persona.child.exhaustion import out_of_space
from persona.child.fence import Fence, NoFence, open_fence
from persona.child.following import Following, GaveWay, OnProgress
from persona.child.pause import Pause
from persona.child.settling import Role
from persona.child.strays import NOTE, note
from persona.child.worker import DISK_FULL, RESULT, error_from_json
from persona.errors import ChildFailed, DiskFull, OutOfMemory, Yielded

_SYSTEM_KILLS = Path("/proc/vmstat")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildResult:
    """What a child that ended well gave back."""

    result: Mapping[str, Any]
    usage: Usage
    exit_code: int


def run_child(
    module: str,
    job: Mapping[str, Any],
    *,
    folder: Path,
    stage: str,
    budget: Budget,
    on_progress: OnProgress,
    cancel: threading.Event | None = None,
    pause: Pause | None = None,
) -> ChildResult:
    """Run `python -m MODULE job.json` in `folder`, which must exist, and wait for its result.

    `on_progress` is called in this thread with every JSON object that the child prints and that has an
    "event", and when the child stands still for the user and goes on ("paused", "continued"). The child's own
    PersonaError is raised here as itself. Memory that ran out is OutOfMemory, whoever noticed; a full disk is
    DiskFull; every other end without a result is ChildFailed, with the last line of the log. Yielded: the
    user came back and the child was told to end. Setting `cancel`, or Ctrl-C, ends the child; both raise
    KeyboardInterrupt.
    """
    try:
        return _run(module, job, folder, stage, budget, on_progress, cancel, pause)
    except (OSError, WriteFailed) as error:
        if out_of_space(error):
            raise DiskFull(folder, stage) from error
        raise


def _run(
    module: str,
    job: Mapping[str, Any],
    folder: Path,
    stage: str,
    budget: Budget,
    on_progress: OnProgress,
    cancel: threading.Event | None,
    pause: Pause | None,
) -> ChildResult:
    (folder / RESULT).unlink(missing_ok=True)
    reach("child.write_job")
    write_file(folder / "job.json", json.dumps(job).encode())
    log = folder / f"{stage}.log"
    killed_before = _killed_by_system()
    with _fence(budget) as fence, _opened_log(log) as errors:
        with _started(module, folder, errors, budget, fence) as child:
            following = Following(
                child, log=errors, budget=budget, on_progress=on_progress, cancel=cancel, pause=pause
            )
            try:
                excess = following.until_end()
            except GaveWay:
                assert pause is not None
                ask(child, patience=pause.parting_seconds)
                raise Yielded(stage) from None
            reach("child.end")
        fenced_in = fence.kills()
    if excess is not None:
        raise _spent(excess, stage, log)
    if fenced_in:  # maybe a process that the child started and could do without: not to be relied on
        assert budget.memory_bytes is not None
        raise OutOfMemory(
            stage, f"the system ended it, its budget is {budget.memory_bytes / 1e9:.2f} GB", log
        )
    starved = _killed_by_system() > killed_before
    return ChildResult(
        result=_result(folder, stage, log, child.returncode, starved=starved),
        usage=replace(following.usage, fence=fence.kind),
        exit_code=child.returncode,
    )


@contextlib.contextmanager
def _fence(budget: Budget) -> Iterator[Fence | NoFence]:
    fence = open_fence(budget.memory_bytes)
    try:
        yield fence
    finally:
        fence.remove()


@contextlib.contextmanager
def _started(
    module: str, folder: Path, errors: IO[bytes], budget: Budget, fence: Fence | NoFence
) -> Iterator[subprocess.Popen[bytes]]:
    role = Role(parent=os.getpid(), idle=budget.idle, file_bytes=budget.file_bytes)
    command = [sys.executable, "-P", "-m", "persona.child", json.dumps(asdict(role)), module]
    reach("child.start")
    child = subprocess.Popen(
        [*command, str(folder / "job.json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=folder,
        env=child_environment(os.environ, sys.path),
        start_new_session=True,  # a Ctrl-C in the terminal reaches us alone, and we end the child
    )
    try:
        with contextlib.suppress(ProcessLookupError):  # it ended at once, and says why in its log
            fence.admit(child.pid)
        note(folder, child.pid)
        reach("child.follow")
        yield child
    finally:
        end(child)
        (folder / NOTE).unlink(missing_ok=True)


def _spent(excess: Excess, stage: str, log: Path) -> ChildFailed:
    kind = OutOfMemory if excess.of is Resource.MEMORY else ChildFailed
    return kind(stage, excess.why, log)


def _result(folder: Path, stage: str, log: Path, exit_code: int, *, starved: bool) -> Mapping[str, Any]:
    try:
        result = json.loads((folder / RESULT).read_bytes())
    except FileNotFoundError:
        result = None
    if isinstance(result, dict) and isinstance(result.get("error"), dict):
        raise error_from_json(result["error"])
    if isinstance(result, dict) and "out_of_memory" in result:
        raise OutOfMemory(stage, str(result["out_of_memory"]), log)
    if exit_code == DISK_FULL and result is None:
        raise DiskFull(folder, stage)
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        if name == "SIGKILL" and starved:
            raise OutOfMemory(stage, "the system ended it", log)
        raise ChildFailed(stage, f"it was ended by {name}", log)
    if exit_code > 0:
        raise ChildFailed(stage, _last_line(log) or f"it ended with exit code {exit_code}", log)
    if not isinstance(result, dict):
        raise ChildFailed(stage, "it ended without a result", log)
    return result


def _killed_by_system() -> int:
    """How many processes the kernel ended for want of memory since it booted; 0 where it does not say."""
    try:
        lines = _SYSTEM_KILLS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _last_line(log: Path, *, limit: int = 4096) -> str:
    """The last line of the log that is not blank; of a Python child, the exception that ended it."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - limit))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _opened_log(path: Path) -> IO[bytes]:
    """Empty, 0600 whatever the umask; appending, since child and parent write to it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")
