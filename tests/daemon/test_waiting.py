"""Preferences that wait for their revision, while the store does not always answer."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from daemon_parts import House

from adapters import BARE
from persona.answers.asking import ask
from persona.daemon.waiting import WaitingPreferences
from persona.precedents import Precedent
from store import Store
from store.errors import StoreBusy
from store.records import Message

STATED = "Answer in at most two sentences."


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.create()
    return house


@pytest.fixture
def waiting(house: House) -> WaitingPreferences:
    return WaitingPreferences(house.persona().paths.store)


def state(house: House) -> None:
    with house.persona() as persona:
        ask(persona, "prefer", {"text": STATED})


def busy(path: Path, **_: object) -> Store:
    raise StoreBusy(path, 5)


def test_a_store_that_was_busy_is_read_again(
    house: House,
    waiting: WaitingPreferences,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A preference that was stated meanwhile waits for no other change of the store. It is said once."""
    assert () == waiting(BARE)
    waiting.refresh(now=True)
    state(house)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(Store, "open", busy)
        waiting.refresh(now=True)
        waiting.refresh(now=True)
    before = waiting(BARE)
    waiting.refresh(now=True)

    assert () == before
    assert [STATED] == [entry.statement for entry in waiting(BARE)]
    assert 1 == len(caplog.records)


def test_a_revision_that_was_asked_for_first_when_the_store_was_busy(
    house: House, waiting: WaitingPreferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer does without, and the next look finds what it has to be told."""
    state(house)
    with monkeypatch.context() as patch:
        waiting.refresh(now=True)
        patch.setattr(Store, "open", busy)
        first = waiting(BARE)
    waiting.refresh(now=True)

    assert () == first
    assert [STATED] == [entry.statement for entry in waiting(BARE)]


def test_precedents_are_read_with_the_preferences_and_again_when_the_store_changes(
    house: House, waiting: WaitingPreferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for them first has them read; what was forgotten stands in no prompt any more."""
    known = Precedent(request="Note tea.", answer=Message(role="assistant"))
    found = [known]
    monkeypatch.setattr("persona.daemon.waiting.precedents_for", lambda _store, _revision: tuple(found))
    assert (known,) == waiting.precedents(BARE)
    found.clear()
    assert (known,) == waiting.precedents(BARE)
    state(house)
    waiting.refresh(now=True)
    assert () == waiting.precedents(BARE)
