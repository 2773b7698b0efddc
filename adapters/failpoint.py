"""Named points where a test may make the registry fail or die; outside tests they do nothing.

Each stands right before the step that its name says, so a hook that raises OSError plays a failing
system call, and one that kills the process plays a crash. Nothing in the environment can arm one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Hook = Callable[[str], None]

_hook: Hook | None = None


def reach(name: str) -> None:
    """Tell the hook, if one is armed, that the step `name` comes next."""
    if _hook is not None:
        _hook(name)


@contextmanager
def armed(hook: Hook) -> Iterator[None]:
    """Call `hook` at every failpoint of this process until the block ends."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
