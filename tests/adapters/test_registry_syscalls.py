"""The kernel itself fails or kills at each durable system call of a mutation, injected by strace."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fault_parts import fast_directory, view
from registry_parts import fill, publish

import adapters
from adapters import ProblemKind, Registry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

CALLS = ("fsync", "rename", "write", "fchmod", "mkdir")
CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from adapters import Registry
from adapters.errors import WriteFailed
from registry_parts import build, noon
registry = Registry.open(Path(sys.argv[3]), create=False, clock=noon)
try:
    if sys.argv[4] == "publish":
        registry.publish(registry.root / "staging" / "night", build(seed=9))
    else:
        registry.promote(registry.resolve("r2").id, expected=registry.champion(), reason="better")
except WriteFailed:
    sys.exit(3)
"""


def _prepare(root: Path) -> Registry:
    registry = Registry.open(root / "adapters")
    for seed in (1, 2):
        publish(registry, seed=seed)
    registry.promote(registry.resolve("r1").id, expected="r0", reason="")
    fill(registry.stage("night"), seed=9, gguf=True)
    return registry


def _run(registry: Registry, mutation: str, *strace: str) -> subprocess.CompletedProcess[str]:
    paths = [str(Path(adapters.__file__).parent.parent), str(Path(__file__).parent)]
    child = [sys.executable, "-B", "-c", CHILD, *paths, str(registry.root), mutation]
    return subprocess.run(
        ["strace", "-f", "-qq", *strace, *child], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("mutation", ["publish", "promote"])
def test_every_failing_system_call_leaves_the_old_state_or_the_new(mutation: str) -> None:
    """Each fsync, rename, write, chmod and mkdir fails with EIO, with ENOSPC, or is the last that happens."""
    with fast_directory() as root:
        log = root / "trace"
        assert (
            0 == _run(_prepare(root), mutation, "-o", str(log), "-e", f"trace={','.join(CALLS)}").returncode
        )
        counts = {call: len(re.findall(rf"\b{call}\(", log.read_text())) for call in CALLS}
    assert counts["fsync"] >= 4
    assert counts["rename"] >= 2
    for call, count in counts.items():
        for number in range(1, count + 1):
            for fault in ("error=EIO", "error=ENOSPC", "signal=KILL"):
                with fast_directory() as root:
                    registry = _prepare(root)
                    before = view(registry)
                    run = _run(
                        registry, mutation, "-o", "/dev/null",
                        "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}",
                    )  # fmt: skip
                    at = f"{fault} at {call} {number}: {run.stderr}"
                    again = Registry.open(registry.root, create=False)
                    if "error" in fault:
                        assert 3 == run.returncode, at
                        assert before == view(again), at
                    else:
                        assert run.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), at
                        assert len(again.operations()) + len(again.revisions()) in (3, 4), at
                    assert {ProblemKind.LEFTOVER} >= {problem.kind for problem in again.verify()}, at
