"""A night of the daemon, wanted and waited for by another process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from daemon_parts import House, publish

from persona.bootstrap import Persona
from persona.daemon.elsewhere import DaemonNights, ref_of
from persona.daemon.process import serve
from persona.errors import EngineError, PersonaError
from store.records import RunState


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, environ={"PERSONA_SCHEDULE__ENABLED": "false"})
    house.create()
    return house


@contextmanager
def serving(house: House) -> Iterator[None]:
    """The daemon of `house`, in a thread of this process."""
    from persona.daemon import process

    servers: list[Any] = []
    made = process.make_server

    def make_server(*given: Any, **more: Any) -> Any:
        servers.append(made(*given, **more))
        return servers[-1]

    ready = threading.Event()

    def run() -> None:
        with house.persona() as persona:
            serve(persona, host="127.0.0.1", port=0, on_ready=lambda _: ready.set())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "make_server", make_server)
        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(10)
        while not servers[0].started:
            threading.Event().wait(0.01)
        try:
            yield
        finally:
            servers[0].should_exit = True
            thread.join(20)


def run(house: House) -> Any:
    with house.persona() as persona:
        daemon = DaemonNights.of(persona)
        assert daemon is not None
        return daemon.run(persona, lambda _: None, pause=lambda _: threading.Event().wait(0.02))


def test_the_daemon_runs_it(house) -> None:
    """It comes back as a night of one's own does."""
    with serving(house):
        result = run(house)
    with house.persona() as persona:
        (kept,) = persona.store.runs.all()

    assert (RunState.NOTHING_TO_LEARN, None) == (result.outcome, result.revision)
    assert (kept.id, tuple(kept.reasons)) == (result.run, result.reasons)


def test_what_it_kept_is_told(house) -> None:
    """Since its start, for whoever asks how things are."""
    with serving(house), house.persona() as persona:
        daemon = DaemonNights.of(persona, patience=10)
        assert daemon is not None
        assert {"kept": 0, "lost": 0, "trouble": None, "unread": 0, "unread_for": None} == daemon.capture()


def test_its_progress_is_shown_here(house, monkeypatch) -> None:
    """Stage, step and how far: as a night of one's own shows them."""
    seen: list[dict[str, Any]] = []
    step = {"stage": "train", "step": "train", "done": 2, "total": 3}

    def night(self: Persona, on_progress: Any, **_: Any) -> Any:
        on_progress({**step, "loss": 0.5})
        while not seen:
            threading.Event().wait(0.01)
        raise EngineError("it broke")

    monkeypatch.setattr(Persona, "night", night)
    with serving(house), house.persona() as persona:
        daemon = DaemonNights.of(persona)
        assert daemon is not None
        with pytest.raises(PersonaError, match="it broke"):
            daemon.run(persona, seen.append, pause=lambda _: threading.Event().wait(0.02))

    assert step in seen


def test_what_it_fails_with(house, monkeypatch) -> None:
    """The line and the exit code are the daemon's."""

    def night(*_: Any, **__: Any) -> Any:
        raise EngineError("it broke")

    monkeypatch.setattr(Persona, "night", night)
    with serving(house), pytest.raises(PersonaError, match="it broke") as failed:
        run(house)

    assert 6 == failed.value.exit_code


def test_one_at_a_time(house, monkeypatch) -> None:
    """A second one is told to try again."""
    go_on = threading.Event()

    def night(*_: Any, **__: Any) -> Any:
        go_on.wait(10)
        raise EngineError("it broke")

    monkeypatch.setattr(Persona, "night", night)
    with serving(house):
        with house.persona() as persona:
            daemon = DaemonNights.of(persona)
            assert daemon is not None
            daemon._ask("POST", "/persona/train")
            with pytest.raises(PersonaError, match="running already") as refused:
                daemon.run(persona, lambda _: None)
        go_on.set()

    assert 75 == refused.value.exit_code


def test_what_it_has_loaded(house) -> None:
    """By the ids that the registry knows; the base is one of them."""
    registry = house.registry()
    one = publish(registry, 1)
    registry.promote(one.id, expected="r0", reason="better")
    with serving(house), house.persona() as persona:
        daemon = DaemonNights.of(persona)
        assert daemon is not None
        assert [one.id] == daemon.loaded(persona)
    assert ("r0", "r7") == (ref_of("persona:base"), ref_of("persona:r7"))


def test_of_somebody_else_or_nobody(house) -> None:
    """A daemon's own nights are of its own identity; the others run theirs by themselves."""
    house.create("ana")
    with house.persona() as persona:
        assert DaemonNights.of(persona) is None
    with serving(house), house.persona("ana") as ana:
        assert DaemonNights.of(ana) is None
