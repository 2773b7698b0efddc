"""Ways to make a registry fail or die at its failpoints, and the operations that are swept through them."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import adapters
from adapters import Registry
from adapters.failpoint import Hook, armed

# A sweep syncs thousands of times; where the files lie makes no difference to which call fails.
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None

FAILPOINTS = {
    name
    for path in Path(adapters.__file__).parent.glob("*.py")
    for name in re.findall(r'\breach\("([a-z._]+)"\)', path.read_text())
}


@contextmanager
def fast_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=FAST, prefix="registry-") as folder:
        yield Path(folder)


def count_failpoints(action: Callable[[], object]) -> list[str]:
    """The failpoints that `action` passes, in order."""
    passed: list[str] = []
    with armed(passed.append):
        action()
    return passed


def at_hit(number: int, act: Callable[[], None], *, and_after: bool = False) -> Hook:
    """A hook that acts at the n-th failpoint, counted from 1, and at every later one if asked to."""
    hits = 0

    def hook(_name: str) -> None:
        nonlocal hits
        hits += 1
        if hits == number or (and_after and hits > number):
            act()

    return hook


def failing(error: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(error, os.strerror(error))

    return fail


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run_and_kill(action: Callable[[], object], number: int) -> bool:
    """Run `action` in a child that dies by SIGKILL at the n-th failpoint. False if it ended before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with armed(at_hit(number, die)):
                action()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert signal.SIGKILL == os.WTERMSIG(status)
        return True
    assert 0 == os.WEXITSTATUS(status), "the action failed in the child"
    return False


def view(registry: Registry) -> tuple[object, ...]:
    """All that a user of the registry can see of its state."""
    return (
        [(revision.id, revision.number) for revision in registry.revisions()],
        [operation.digest for operation in registry.operations()],
        registry.champion(),
        registry.previous(),
        registry.states(),
    )
