"""How engines are loaded, held, swapped and closed."""

from __future__ import annotations

import threading
import time

import pytest
from daemon_parts import Stage, eventually, publish, together

from adapters import BARE, Registry
from persona.errors import EngineClosed, EngineError, EnginesBusy
from persona.serve.engines import Engines


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def revisions(tmp_path):
    registry = Registry.open(tmp_path / "adapters")
    return [publish(registry, number) for number in (1, 2, 3)]


def test_loaded_on_demand_and_once(stage, revisions) -> None:
    """Nothing is loaded before it is asked for, and a second request finds the first one's engine."""
    engines = Engines(stage.open)
    before = list(stage.revisions)
    with engines.hold(revisions[0]) as one, engines.hold(revisions[0]) as other:
        assert one is other
        assert [2] == [loaded.answering for loaded in engines.loaded()]

    assert [] == before
    assert [revisions[0].id] == stage.revisions
    engines.close()


def test_requests_that_come_while_it_loads_share_it(stage, revisions) -> None:
    """Eight requests for a revision that is not loaded load it once."""
    stage.seconds_to_load = 0.05
    engines = Engines(stage.open)

    def ask() -> str:
        with engines.hold(revisions[0]) as engine:
            return engine.revision

    assert [revisions[0].id] * 8 == together(*[ask] * 8)
    assert [revisions[0].id] == stage.revisions
    engines.close()


def test_a_failed_load_leaves_no_trace(stage, revisions) -> None:
    """What loading raises leaves, its place is free again, and the next request may succeed."""
    stage.broken[revisions[0].id] = EngineError("it does not load")
    engines = Engines(stage.open, limit=2)
    with pytest.raises(EngineError, match="does not load"), engines.hold(revisions[0]):
        pass
    stage.broken.clear()
    with engines.hold(revisions[0]), engines.hold(revisions[1]):
        assert 2 == len(engines.loaded())
    engines.close()


def test_room_is_made_by_closing_the_longest_idle(stage, revisions) -> None:
    """At the limit, the idle engine that was used longest ago goes; the main one never does."""
    engines = Engines(stage.open, limit=3)
    engines.make_main(BARE)
    for revision in (revisions[0], revisions[1], revisions[0]):
        with engines.hold(revision):
            pass
    with engines.hold(revisions[2]):
        assert {"r0", revisions[0].id, revisions[2].id} == set(stage.loaded)
    engines.close()


def test_no_room_is_said_after_some_patience(stage, revisions) -> None:
    """While every engine is held, another revision waits, and is refused when nobody leaves in time."""
    engines = Engines(stage.open, limit=2, patience=0.05)
    with (
        engines.hold(revisions[0]),
        engines.hold(revisions[1]),
        pytest.raises(EnginesBusy, match="r3"),
        engines.hold(revisions[2]),
    ):
        pass
    with engines.hold(revisions[2]) as engine:
        assert revisions[2].id == engine.revision
    engines.close()


def test_a_request_that_waits_gets_the_room_that_is_freed(stage, revisions) -> None:
    """Waiting ends as soon as somebody leaves."""
    engines = Engines(stage.open, limit=2, patience=5)
    left = threading.Event()

    def leave_later() -> None:
        with engines.hold(revisions[0]):
            eventually(lambda: waiting.is_set())
            time.sleep(0.05)
        left.set()

    waiting = threading.Event()

    def wait() -> bool:
        waiting.set()
        with engines.hold(revisions[2]):
            return left.wait(1)

    with engines.hold(revisions[1]):
        first = threading.Thread(target=leave_later)
        first.start()
        assert eventually(lambda: len(engines.loaded()) == 2)
        assert wait()
        first.join()
    engines.close()


def test_a_swap_lets_the_old_one_finish(stage, revisions) -> None:
    """The old main engine answers whoever holds it, and is closed when the last one leaves."""
    engines = Engines(stage.open)
    engines.make_main(revisions[0])
    with engines.hold_main() as (_, old):
        engines.make_main(revisions[1])
        with engines.hold_main() as (revision, new):
            assert revisions[1].id == new.revision == revision.id
        assert {revisions[0].id, revisions[1].id} == set(stage.loaded)
        assert revisions[0].id == old.revision
    assert [revisions[1].id] == stage.loaded
    engines.close()


def test_a_swap_that_fails_changes_nothing(stage, revisions) -> None:
    """When the new main engine cannot be loaded, the old one stays the main one."""
    engines = Engines(stage.open)
    engines.make_main(revisions[0])
    stage.broken[revisions[1].id] = EngineError("it does not load")
    with pytest.raises(EngineError):
        engines.make_main(revisions[1])

    with engines.hold_main() as (_, engine):
        assert revisions[0].id == engine.revision
    assert [revisions[0].id] == stage.loaded
    engines.close()


def test_back_and_forth_ends_with_one(stage, revisions) -> None:
    """A main engine that becomes the main one again while it drains is kept."""
    engines = Engines(stage.open)
    engines.make_main(revisions[0])
    with engines.hold_main():
        engines.make_main(revisions[1])
        engines.make_main(revisions[0])
    with engines.hold_main() as (_, engine):
        assert revisions[0].id == engine.revision
    assert [revisions[0].id] == stage.loaded
    assert [revisions[0].id, revisions[1].id] == stage.revisions
    engines.close()


def test_idle_ones_are_swept(stage, revisions) -> None:
    """What nobody asked for a while is closed; the main one and what is held are not."""
    engines = Engines(stage.open, idle=0.0)
    engines.make_main(BARE)
    with engines.hold(revisions[0]):
        pass
    with engines.hold(revisions[1]):
        time.sleep(0.001)
        engines.sweep()
        assert {"r0", revisions[1].id} == set(stage.loaded)
    engines.close()


def test_closing_waits_for_answers_and_lets_nobody_in(stage, revisions) -> None:
    """Close waits for who holds an engine, up to its time, and then refuses everyone."""
    engines = Engines(stage.open)
    engines.make_main(BARE)
    held = threading.Event()

    def hold() -> bool:
        with engines.hold_main() as (_, engine):
            held.set()
            time.sleep(0.05)
            return engine.closed  # type: ignore[attr-defined]

    def close() -> None:
        held.wait()
        engines.close(wait=5)

    assert [False, None] == together(hold, close)
    assert [] == stage.loaded
    with pytest.raises(EngineClosed), engines.hold_main():
        pass
    with pytest.raises(EngineClosed), engines.hold(revisions[0]):
        pass


def test_fewer_than_two_cannot_swap(stage) -> None:
    """A limit without room for a swap is a mistake."""
    with pytest.raises(ValueError, match="two"):
        Engines(stage.open, limit=1)
