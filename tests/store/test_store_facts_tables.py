"""Feedback, signals, examples and runs: each written once and given back equal."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from store_facts import (
    AT,
    demonstration,
    examples,
    feedback,
    interaction,
    later,
    preference,
    scratch_store,
    signal,
    snapshot,
    user,
)

from store import Store
from store.errors import RunFinished, RunOpen, UnknownId, Unstorable, WrongId
from store.identity import with_id
from store.records import Example, Feedback, FeedbackKind, PreferencePair, Run, RunState, Signal

TALK = interaction()


def up(**more: object) -> Feedback:
    return feedback(FeedbackKind.UP, interaction=TALK.id, **more)


def test_same_act_twice_is_one(store: Store) -> None:
    """A second time is not new; the same act later is another act."""
    store.interactions.add(TALK)
    assert [True, False, True] == [store.feedback.add(each) for each in [up(), up(), up(at=later(1))]]
    assert [up(), up(at=later(1))] == store.feedback.all()


def test_feedback_is_filtered(store: Store) -> None:
    """By interaction, by kind, and by conversation whether or not the act names it."""
    other = interaction("other", conversation="c-2")
    store.interactions.add(TALK)
    store.interactions.add(other)
    down = feedback(FeedbackKind.DOWN, interaction=other.id, reason="long", at=later(1))
    stated = feedback(FeedbackKind.PREFERENCE, conversation="c-2", content="Be short.", at=later(2))
    alone = feedback(FeedbackKind.PREFERENCE, content="Be kind.", at=later(3))
    for each in [alone, stated, down, up()]:
        store.feedback.add(each)
    assert [up(), down, stated, alone] == store.feedback.all()
    assert [up()] == store.feedback.all(interaction=TALK.id)
    assert [down, stated] == store.feedback.all(conversation="c-2")
    assert [stated, alone] == store.feedback.all(kind=FeedbackKind.PREFERENCE)
    assert [] == store.feedback.all(conversation="c-1", kind=FeedbackKind.DOWN)


def test_feedback_needs_its_interaction(store: Store) -> None:
    """An act on nothing, or on what was never stored, is refused."""
    with pytest.raises(UnknownId, match=TALK.id):
        store.feedback.add(up())
    with pytest.raises(Unstorable, match="names none"):
        store.feedback.add(feedback(FeedbackKind.UP))
    with pytest.raises(WrongId):
        store.feedback.add(dataclasses.replace(up(), id="f-1"))


def test_signals_are_counted_and_given_in_order(store: Store) -> None:
    """The number of new ones; all by (at, id), or those asked for in the order asked, repeated too."""
    one, two = signal("one", at=later(2)), signal("two", at=later(1))
    assert 2 == store.signals.add([one, two, one])
    assert 0 == store.signals.add(iter([two]))
    assert [two, one] == store.signals.all()
    assert [one, two, one] == store.signals.get([one.id, two.id, one.id])
    with pytest.raises(UnknownId, match="s-none"):
        store.signals.get([one.id, "s-none"])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (signal(polarity=2), Unstorable),
        (signal(confidence=0.0), Unstorable),
        (signal(confidence=1.5), Unstorable),
        (signal(interaction="i-none"), UnknownId),
        (signal(feedback="f-none"), UnknownId),
        (dataclasses.replace(signal(), id="s-1"), WrongId),
    ],
)
def test_wrong_signal_stops_the_whole_batch(store: Store, wrong: Signal, error: type[Exception]) -> None:
    """All of a batch or none of it."""
    with pytest.raises(error):
        store.signals.add([signal("fine"), wrong])
    assert [] == store.signals.all()


def test_signal_names_where_it_comes_from(store: Store) -> None:
    """Interaction, conversation and feedback come back with it."""
    store.interactions.add(TALK)
    store.feedback.add(up())
    mined = signal(interaction=TALK.id, conversation="c-1", feedback=up().id, polarity=-1)
    store.signals.add([mined])
    assert [mined] == store.signals.all()


def test_examples_are_given_in_the_order_asked(store: Store) -> None:
    """Training depends on the order."""
    one, two = demonstration("one"), demonstration("two")
    assert 2 == store.examples.add([one, two])
    assert 0 == store.examples.add([two])
    assert [two, one, two] == store.examples.get([two.id, one.id, two.id])
    assert sorted([one, two], key=lambda each: each.id) == store.examples.all()
    with pytest.raises(UnknownId, match="e-none"):
        store.examples.get(["e-none"])


def test_example_names_what_it_comes_from(store: Store) -> None:
    """The signals and preferences of an example have to be there."""
    named = demonstration(signals=(signal().id,), preferences=(preference().id,))
    with pytest.raises(UnknownId, match=signal().id):
        store.examples.add([named])
    store.signals.add([signal()])
    with pytest.raises(UnknownId, match=preference().id):
        store.examples.add([named])
    store.ledger.record(preference(), reason="seen")
    assert 1 == store.examples.add([named])
    with pytest.raises(WrongId):
        store.examples.add([dataclasses.replace(named, id="e-1")])


def test_pair_comes_back_as_a_pair(store: Store) -> None:
    """A pair keeps which answer was wanted."""
    pair = with_id(
        PreferencePair(
            id="", conversation="c-1", prompt=(user("a"),), chosen=TALK.completion, rejected=user("b")
        )
    )
    store.examples.add([pair])
    assert [pair] == store.examples.get([pair.id])


@settings(max_examples=30, deadline=None)
@given(examples)
def test_any_example_comes_back(example: Example) -> None:
    """Whatever the records allow."""
    with scratch_store() as store:
        store.examples.add([example])
        assert [example] == store.examples.all()
        assert [] == store.verify()


def night(name: str, minute: int = 0) -> Run:
    return Run(id=name, started_at=later(minute), state=RunState.STARTED)


def test_run_ends_once(store: Store) -> None:
    """A finished run comes back with everything, and is never changed."""
    frozen = snapshot()
    store.snapshots.freeze(frozen)
    store.runs.start(night("n-1"))
    assert [night("n-1")] == store.runs.open_runs()
    store.runs.finish(
        "n-1",
        state=RunState.PROMOTED,
        ended_at=later(9),
        snapshot=frozen.id,
        revision="rev-1",
        reasons=["better", "not worse"],
        report={"adoption": 0.9},
        costs={"seconds": 540},
    )
    expected = Run(
        id="n-1",
        started_at=AT,
        state=RunState.PROMOTED,
        ended_at=later(9),
        snapshot=frozen.id,
        revision="rev-1",
        reasons=("better", "not worse"),
        report={"adoption": 0.9},
        costs={"seconds": 540},
    )
    assert expected == store.runs.get("n-1")
    with pytest.raises(RunFinished, match="promoted"):
        store.runs.finish("n-1", state=RunState.FAILED, ended_at=later(10))
    with pytest.raises(RunFinished, match="promoted"):
        store.runs.start(night("n-1"))
    assert expected == store.runs.latest()
    assert [] == store.runs.open_runs()


def test_one_run_at_a_time(store: Store) -> None:
    """A second one starts after the first has an end; starting the same one again changes nothing."""
    store.runs.start(night("n-1"))
    store.runs.start(night("n-1", 5))
    assert AT == store.runs.get("n-1").started_at
    with pytest.raises(RunOpen, match="n-1"):
        store.runs.start(night("n-2", 1))
    store.runs.finish("n-1", state=RunState.INTERRUPTED, ended_at=later(1))
    store.runs.start(night("n-2", 1))
    assert ["n-1", "n-2"] == [run.id for run in store.runs.all()]


def test_latest_and_the_run_of_a_revision(store: Store) -> None:
    """The latest by start; of two runs that made one revision, the later."""
    assert store.runs.latest() is None
    for number, revision in enumerate(["rev-1", "rev-1", "rev-2"]):
        store.runs.start(night(f"n-{number}", number))
        store.runs.finish(f"n-{number}", state=RunState.REJECTED, ended_at=later(number), revision=revision)
    made = {name: store.runs.of_revision(name) for name in ["rev-1", "rev-2", "rev-3"]}
    assert {"rev-1": "n-1", "rev-2": "n-2", "rev-3": None} == {
        name: run and run.id for name, run in made.items()
    }


@pytest.mark.parametrize("state", [each for each in RunState if each is not RunState.STARTED])
def test_every_other_state_is_an_end(store: Store, state: RunState) -> None:
    """A run cannot begin with an end, and STARTED is none."""
    with pytest.raises(Unstorable, match="starts as"):
        store.runs.start(Run(id="n-1", started_at=AT, state=state))
    store.runs.start(night("n-1"))
    with pytest.raises(Unstorable, match="no end"):
        store.runs.finish("n-1", state=RunState.STARTED, ended_at=AT)
    store.runs.finish("n-1", state=state, ended_at=AT)
    assert state is store.runs.get("n-1").state


def test_run_names_what_is_there(store: Store) -> None:
    """An unknown run, an unknown snapshot."""
    with pytest.raises(UnknownId, match="n-none"):
        store.runs.finish("n-none", state=RunState.FAILED, ended_at=AT)
    with pytest.raises(UnknownId, match="n-none"):
        store.runs.get("n-none")
    store.runs.start(night("n-1"))
    with pytest.raises(UnknownId, match="d-none"):
        store.runs.finish("n-1", state=RunState.REJECTED, ended_at=AT, snapshot="d-none")
    assert [night("n-1")] == store.runs.open_runs()
