"""A failing disk or a kill -9 at any failpoint leaves the old state or the new one, and never a half."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fault_parts import (
    FAILPOINTS,
    at_hit,
    count_failpoints,
    failing,
    fast_directory,
    run_and_kill,
    view,
)
from registry_parts import build, fill, noon, publish

from adapters import ProblemKind, Registry
from adapters.errors import WriteFailed
from adapters.failpoint import armed


@dataclass
class Scene:
    """A registry with a history, and a staged candidate."""

    registry: Registry
    ids: list[str]
    staged: Path


def scene(root: Path) -> Scene:
    registry = Registry.open(root / "adapters", clock=noon)
    ids = [publish(registry, seed=seed).id for seed in (1, 2, 3, 4)]
    registry.promote(ids[0], expected="r0", reason="")
    registry.promote(ids[1], expected=ids[0], reason="")
    registry.retire(ids[3], "")
    return Scene(registry=registry, ids=ids, staged=fill(registry.stage("night"), seed=9, gguf=True))


MUTATIONS: dict[str, Callable[[Scene], object]] = {
    "publish": lambda s: s.registry.publish(s.staged, build(seed=9)),
    "promote": lambda s: s.registry.promote(s.ids[2], expected=s.ids[1], reason="better"),
    "rollback": lambda s: s.registry.rollback(None, reason="worse"),
    "reject": lambda s: s.registry.reject(s.ids[2], "worse"),
    "retire": lambda s: s.registry.retire(s.ids[2], "forgotten"),
    "erase": lambda s: s.registry.erase(s.ids[3]),
    "pin": lambda s: s.registry.pin(s.ids[2]),
    "stage": lambda s: s.registry.stage("another"),
    "discard": lambda s: s.registry.discard("night"),
    "open": lambda s: Registry.open(s.registry.root.parent / "second" / "adapters", clock=noon),
}


def _points(name: str) -> int:
    with fast_directory() as root:
        prepared = scene(root)
        return len(count_failpoints(lambda: MUTATIONS[name](prepared)))


def _harmless(registry: Registry) -> bool:
    return all(problem.kind is ProblemKind.LEFTOVER for problem in registry.verify())


def _finish(prepared: Scene, name: str, before: tuple[object, ...]) -> None:
    """Whoever comes next can do what was cut short, and the registry is clean but for what is staged."""
    if view(prepared.registry) == before or name in ("erase", "discard", "open"):
        if name == "stage":
            prepared.registry.discard("another")
        MUTATIONS[name](prepared)
    for staged in ("night", "another"):
        prepared.registry.discard(staged)
    champion = prepared.registry.champion()
    prepared.registry.rollback("r0" if champion != "r0" else prepared.ids[0], reason="sweeps up")
    assert [] == prepared.registry.verify()


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_failing_disk_leaves_the_old_state_and_one_clear_error(name: str, lasting: bool) -> None:
    """Every step may fail: the caller gets WriteFailed, readers see the old state, and a second try works."""
    for number in range(1, _points(name) + 1):
        with fast_directory() as root:
            prepared = scene(root)
            before = view(prepared.registry)
            error = (errno.ENOSPC, errno.EIO)[number % 2]
            hook = at_hit(number, failing(error), and_after=lasting)
            with armed(hook), pytest.raises(WriteFailed) as caught:
                MUTATIONS[name](prepared)
            assert error == caught.value.errno
            assert os.strerror(error) in str(caught.value)
            assert "\n" not in str(caught.value)
            assert before == view(prepared.registry)
            assert _harmless(prepared.registry)
            _finish(prepared, name, before)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_kill_at_any_failpoint_leaves_the_old_state_or_the_new(name: str) -> None:
    """A child is killed at each failpoint in turn; who opens the registry next can go on."""
    with fast_directory() as root:
        prepared = scene(root)
        MUTATIONS[name](prepared)
        after = view(prepared.registry)
    for number in range(1, _points(name) + 1):
        with fast_directory() as root:
            prepared = scene(root)
            before = view(prepared.registry)
            assert run_and_kill(lambda prepared=prepared: MUTATIONS[name](prepared), number)
            again = Registry.open(prepared.registry.root, create=False, clock=noon)
            assert view(again) in (before, after), f"killed at failpoint {number}"
            assert _harmless(again)
            _finish(prepared, name, before)


def test_the_sweeps_reach_every_failpoint() -> None:
    """A failpoint that no sweep reaches tests nothing; the list is read from the source."""
    reached: set[str] = set()
    for mutate in MUTATIONS.values():
        with fast_directory() as root:
            prepared = scene(root)
            reached |= set(count_failpoints(lambda m=mutate, p=prepared: m(p)))
    assert FAILPOINTS == reached
    assert len(FAILPOINTS) >= 10
