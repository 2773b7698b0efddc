"""A fence around a child's memory, kept by the kernel: cgroup v2 where it is delegated, v1, or none.

The parent's samples come five times a second; a fence has no gaps. What it kills is inside it, so nothing
but the child pays. Where there is none, `kind` says why, and the samples are all there is.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "persona-"
_ROOM = "persona-daemon"  # where this process goes when its own group has to hold groups only
_REMOVAL_SECONDS = 2.0  # the kernel empties a group a moment after its last process ended


@dataclass(frozen=True, kw_only=True, slots=True)
class Groups:
    """Where this system keeps its control groups. `processes` is /proc, and tests give another."""

    processes: Path = Path("/proc")


class Fence:
    """One control group. Whoever opened it removes it, after the last process in it ended."""

    def __init__(self, folder: Path, *, kind: str, kills: str) -> None:
        self.kind = kind
        self._folder = folder
        self._kills = kills

    def admit(self, pid: int) -> None:
        """The process, and all that it starts from now on, count here."""
        (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def kills(self) -> int:
        """How many processes in here the kernel ended because the memory was used up."""
        return _number_after(self._folder / self._kills, "oom_kill")

    def remove(self) -> None:
        """Idempotent. A group that is still busy after two seconds is left to the next fence's opening."""
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while True:
            try:
                self._folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() >= deadline:
                    return
                time.sleep(0.05)
            else:
                return


class NoFence:
    """No control group is to be had; `kind` says why."""

    def __init__(self, why: str) -> None:
        self.kind = f"none ({why})"

    def admit(self, pid: int) -> None:
        """Nothing to enter."""

    def kills(self) -> int:
        return 0

    def remove(self) -> None:
        """Nothing to remove."""


def open_fence(memory_bytes: int | None, groups: Groups | None = None) -> Fence | NoFence:
    """A new, empty fence of this size, or the reason why there is none. Never raises for what is missing."""
    if memory_bytes is None:
        return NoFence("no memory budget")
    groups = groups or Groups()
    why = "this system has no control groups"
    for kind, attempt in (("cgroup v2", _version_2), ("cgroup v1", _version_1)):
        try:
            return attempt(groups, memory_bytes)
        except _Absent as absent:
            why = why if kind == "cgroup v1" and why.startswith("cgroup v2") else f"{kind}: {absent}"
        except OSError as error:
            why = f"{kind}: {error.strerror or error}"
    return NoFence(why)


class _Absent(Exception):
    """This version of control groups is not to be had here."""


def _version_2(groups: Groups, memory_bytes: int) -> Fence:
    mount = _mount(groups, "cgroup2", "")
    own = mount.own
    for group in (own.parent, own):
        if group == mount.point.parent or not _delegated(group, mount.point):
            continue
        _enable_memory(group, own)
        folder = _new_group(group)
        (folder / "memory.max").write_text(str(memory_bytes), encoding="ascii")
        swap = folder / "memory.swap.max"
        if swap.exists():
            swap.write_text("0", encoding="ascii")  # a night that swaps is a machine that nobody can use
        return Fence(folder, kind="cgroup v2", kills="memory.events")
    raise _Absent("not delegated; a systemd unit needs Delegate=memory")


def _version_1(groups: Groups, memory_bytes: int) -> Fence:
    own = _mount(groups, "cgroup", "memory").own
    if not os.access(own, os.W_OK):
        raise _Absent("not ours to write")
    folder = _new_group(own)
    (folder / "memory.limit_in_bytes").write_text(str(memory_bytes), encoding="ascii")
    both = folder / "memory.memsw.limit_in_bytes"
    if both.exists():
        both.write_text(str(memory_bytes), encoding="ascii")
    return Fence(folder, kind="cgroup v1", kills="memory.oom_control")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mount:
    """Where a hierarchy is mounted, and our own group in it."""

    point: Path
    own: Path


def _mount(groups: Groups, kind: str, controller: str) -> _Mount:
    """Raises _Absent."""
    for line in _lines(groups.processes / "self" / "mountinfo"):
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        found, _, options = after.split()[:3]
        if found != kind or (controller and controller not in options.split(",")):
            continue
        path = _own_path(groups, controller)
        if path is None or not path.is_relative_to(root):
            raise _Absent("our own group is not in sight")
        own = Path(point) / path.relative_to(root)
        if not own.is_dir():
            raise _Absent("our own group is not in sight")
        return _Mount(point=Path(point), own=own)
    raise _Absent("not mounted")


def _own_path(groups: Groups, controller: str) -> Path | None:
    for line in _lines(groups.processes / "self" / "cgroup"):
        _, names, path = line.split(":", 2)
        if names == controller or (controller and controller in names.split(",")):
            return Path(path)
    return None


def _delegated(group: Path, point: Path) -> bool:
    """Whether this part of the tree was handed to us: by systemd, or as the root of our own namespace."""
    if not os.access(group, os.W_OK) or "memory" not in _words(group / "cgroup.controllers"):
        return False
    if group == point:
        return True
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError, AttributeError):  # not set, or no such attributes on this system
            if os.getxattr(group, name) == b"1":
                return True
    return False


def _enable_memory(group: Path, own: Path) -> None:
    """A group may hand memory to groups below it only when it holds no process itself."""
    if "memory" in _words(group / "cgroup.subtree_control"):
        return
    if group == own:
        room = group / _ROOM
        room.mkdir(exist_ok=True)
        for pid in _words(group / "cgroup.procs"):
            (room / "cgroup.procs").write_text(pid, encoding="ascii")
    (group / "cgroup.subtree_control").write_text("+memory", encoding="ascii")


def _new_group(parent: Path) -> Path:
    """A group of our own; those that a killed parent left behind, and that are empty, go."""
    for left in parent.glob(f"{_PREFIX}*-*"):
        pid = left.name.split("-")[1]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            with contextlib.suppress(OSError):  # not empty yet: the next one tries again
                left.rmdir()
    folder = parent / f"{_PREFIX}{os.getpid()}-{os.urandom(3).hex()}"
    folder.mkdir()
    return folder


def _lines(file: Path) -> Iterator[str]:
    try:
        yield from file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []


def _number_after(file: Path, name: str) -> int:
    for line in _lines(file):
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
