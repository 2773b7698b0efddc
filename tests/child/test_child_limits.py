"""What holds a child: its place in every queue, its memory, its files, and a disk that may be full."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from child_parts import gone

from adapters.failpoint import armed
from persona.child import Budget, ChildResult
from persona.child.exhaustion import out_of_memory, out_of_space
from persona.child.fence import Fence, Groups, NoFence, open_fence
from persona.errors import ChildFailed, DiskFull, NoSpace, OutOfMemory, TrainingError

Run = Callable[..., ChildResult]
WHERE = """
import psutil, resource
own = psutil.Process()
return {
    "nice": own.nice(), "policy": os.sched_getscheduler(0), "disk": int(own.ionice().ioclass),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "oom": open("/proc/self/oom_score_adj").read().strip(),
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="these queues are Linux's")
@pytest.mark.parametrize(("idle", "nice", "policy"), [(False, 10, "SCHED_OTHER"), (True, 19, "SCHED_IDLE")])
def test_a_child_is_last_in_every_queue(run: Run, idle: bool, nice: int, policy: str) -> None:
    """Processor, disk, and the kernel's choice when memory runs out; and it dumps no core."""
    found = run(WHERE, budget=Budget(seconds=60, idle=idle)).result
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert {
        "nice": max(nice, own),
        "policy": getattr(os, policy),
        "disk": int(psutil.IOPRIO_CLASS_IDLE),
        "core": 0,
        "oom": "800",
    } == found


def test_a_file_that_grows_without_end_is_a_full_disk(run: Run) -> None:
    """The largest file is limited from outside; the child fails as if the disk were full, exit code 8."""
    body = 'open("big", "wb").write(bytes(3_000_000))\nreturn {}'
    with pytest.raises(NoSpace) as caught:
        run(body, budget=Budget(seconds=60, file_bytes=1_000_000))
    assert 8 == caught.value.exit_code


@pytest.mark.parametrize(
    "body",
    [
        "import errno\nraise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))",
        'raise RuntimeError("I/O error: No space left on device (os error 28)")',
        "import errno\nraise ValueError('x') from OSError(errno.EDQUOT, 'quota')",
        # the work is done, and the result does not fit
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, -1))\nreturn {'text': 'x' * 100}",
    ],
    ids=["errno", "words of a library", "as a cause", "the result itself"],
)
def test_a_full_disk_in_a_child_is_one_line_of_advice(run: Run, body: str) -> None:
    """Whoever noticed, and however it was worded."""
    with pytest.raises(DiskFull, match=r"was full in the middle of train; free some space") as caught:
        run(body)
    assert "\n" not in str(caught.value)
    assert 8 == caught.value.exit_code


def test_a_full_disk_of_the_parent_is_the_same(run: Run) -> None:
    """The job file may be what no longer fits."""

    def full(name: str) -> None:
        if name == "write.data":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with armed(full), pytest.raises(DiskFull):
        run("return {}")


@pytest.mark.parametrize(
    "body",
    ["raise MemoryError", 'raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")'],
)
def test_memory_that_a_library_did_not_get(run: Run, body: str) -> None:
    """It is told apart from other failures, since smaller portions may help."""
    with pytest.raises(OutOfMemory, match="out of memory"):
        run(body)


def test_other_errors_are_neither() -> None:
    """A word like memory in an unrelated error does not count, nor does the context of a handled one."""
    assert not out_of_memory(ValueError("CUDA out of memory"))
    assert not out_of_space(RuntimeError("space"))
    handled = KeyError("later")
    handled.__context__ = MemoryError()
    assert not out_of_memory(handled)


def test_our_samples_see_memory_grow(run: Run) -> None:
    """Over its budget a child is stopped, and only the child: we go on."""
    with pytest.raises(OutOfMemory, match=r"budget is 0\.15 GB"):
        run("x = bytearray(400_000_000)\ntime.sleep(30)", budget=Budget(memory_bytes=150_000_000))


def test_the_message_counts_tries(tmp_path: Path) -> None:
    """One line, and what to do."""
    error = OutOfMemory("train", "the system ended it", tmp_path / "train.log").after(3)
    assert isinstance(error, TrainingError)
    assert 7 == error.exit_code
    assert "(the system ended it, the last of 3 tries); close other programs" in str(error)


def kernels_fence(memory_bytes: int) -> Fence:
    fence = open_fence(memory_bytes)
    if isinstance(fence, NoFence):
        pytest.skip(f"memory fence: {fence.kind}")
    return fence


def test_the_kernel_keeps_the_fence() -> None:
    """Between two samples too: what allocates beyond it at once is killed, alone, and counted."""
    fence = kernels_fence(60_000_000)
    pig = subprocess.Popen(
        [sys.executable, "-c", "input(); x = bytearray(300_000_000); print(len(x))"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        fence.admit(pig.pid)
        said, _ = pig.communicate(b"\n")
        assert (b"", -signal.SIGKILL) == (said, pig.returncode)
        assert 1 == fence.kills()
    finally:
        fence.remove()
    assert not fence._folder.exists()


def test_no_budget_no_fence() -> None:
    """And no control group is made."""
    assert "none (no memory budget)" == open_fence(None).kind


def tree(root: Path, *, delegated: bool, mounts: str, own: str) -> Groups:
    """A /proc and a hierarchy of version 2 as files: we are in persona.service."""
    group = root / "cgroup" / "app" / "persona.service"
    group.mkdir(parents=True)
    for name, text in (
        ("cgroup.controllers", "cpu memory"),
        ("cgroup.subtree_control", ""),
        ("cgroup.procs", "41\n42\n"),
    ):
        (group / name).write_text(text)
    if delegated:
        try:
            os.setxattr(group, "user.delegate", b"1")
        except OSError:
            pytest.skip("this file system keeps no attributes")
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "mountinfo").write_text(mounts.format(root=root))
    (root / "proc" / "self" / "cgroup").write_text(own)
    return Groups(processes=root / "proc")


MOUNT = "30 23 0:26 / {root}/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"


def test_a_delegated_group_of_version_2(tmp_path: Path) -> None:
    """Its processes move to a room below it, memory is handed down, and the fence has limit and no swap."""
    groups = tree(tmp_path, delegated=True, mounts=MOUNT, own="0::/app/persona.service\n")
    room = tmp_path / "cgroup" / "app" / "persona.service" / "persona-daemon"
    room.mkdir()
    moved = room / "cgroup.procs"
    moved.write_text("")

    fence = open_fence(10**9, groups)

    assert "cgroup v2" == fence.kind
    assert isinstance(fence, Fence)
    assert str(10**9) == (fence._folder / "memory.max").read_text()
    assert "42" == moved.read_text()  # the last one written; a real group takes each
    assert "+memory" == (fence._folder.parent / "cgroup.subtree_control").read_text()
    (fence._folder / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    assert 2 == fence.kills()


@pytest.mark.parametrize(
    ("mounts", "own", "why"),
    [
        (MOUNT, "0::/app/persona.service\n", "cgroup v2: not delegated"),
        (MOUNT, "0::/elsewhere\n", "cgroup v2: our own group is not in sight"),
        ("", "", "not mounted"),
    ],
)
def test_no_fence_says_why(tmp_path: Path, mounts: str, own: str, why: str) -> None:
    """A group that is not ours to divide is left alone."""
    fence = open_fence(10**9, tree(tmp_path, delegated=False, mounts=mounts, own=own))
    assert isinstance(fence, NoFence)
    assert why in fence.kind


ORPHAN = """
import os, sys, time
from persona.child.settling import watch_parent
print(os.getpid(), flush=True)
watch_parent(os.getppid(), every=0.1)
time.sleep(60)
"""


def test_the_watch_on_the_parent() -> None:
    """Where the kernel does not tell, the child looks itself, and ends soon after its parent."""
    starter = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter, ORPHAN], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    assert not gone(child)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(child)
    parent.stdout.close()


def test_killed_without_a_reason_is_no_want_of_memory(run: Run) -> None:
    """kill -9 by hand is not tried again in smaller portions."""
    with pytest.raises(ChildFailed) as caught:
        run("os.kill(os.getpid(), signal.SIGKILL)")
    assert not isinstance(caught.value, OutOfMemory)
