"""Distilling beside those who write: nobody waits for it, and it keeps what one state of the store gave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from distill_story import NOW, Story, edit

import persona.distill.snapshot as stages
import store.database as database_module
from persona.capture.writer import Writer
from persona.distill import Distilled, distill, revise_ledger
from store import Store
from store.examples import Examples
from store.identity import with_id
from store.records import Feedback, FeedbackKind, LedgerEvent, Message, PreferenceStatus, Split
from store.snapshots import Snapshots

During = Callable[[Callable[[int], None]], None]


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> During:
    """What happens while the store is mined; it is given how often that began."""

    def install(happens: Callable[[int], None]) -> None:
        mine, begun = stages.mine, 0

        def slow(store: Store) -> Any:
            nonlocal begun
            begun += 1
            number = begun
            mined = mine(store)
            happens(number)
            return mined

        monkeypatch.setattr(stages, "mine", slow)

    return install


@pytest.fixture
def writer(story: Story, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """Where it has to wait for the lock, it is told so soon."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.5)
    opened = Writer(story.store.path)
    yield opened
    opened.close()


def some_days(story: Story) -> None:
    story.say("End with “Fair winds!”")
    for number in range(8):
        story.asked(f"Question {number}?", "One. Two.", edit(f"One {number}. Fair winds!"))


def keep(writer: Writer) -> str:
    said = Message(role="user", content="And what came in meanwhile?")
    return writer.keep(
        prompt=[said],
        completion=Message(role="assistant", content="This. And that."),
        source="llm",
        revision="r0",
        conversation="c-meanwhile",
    )


def stated(statement: str, day: float = 0) -> Feedback:
    at = NOW + timedelta(days=day)
    return with_id(Feedback(id="", kind=FeedbackKind.PREFERENCE, at=at, content=statement))


def state(store: Store, statement: str) -> None:
    """As somebody does it beside: the act, then what it says for the ledger."""
    store.feedback.add(stated(statement))
    revise_ledger(store, infer=False)


def active(store: Store) -> dict[str, str]:
    return {entry.attribute: entry.statement for entry in store.ledger.active()}


@pytest.mark.parametrize("work", [lambda store: distill(store, now=NOW), revise_ledger])
def test_a_turn_is_kept_while_the_store_is_mined(
    story: Story, during: During, writer: Writer, work: Callable[[Store], object]
) -> None:
    """It is durable before the mining ends, and the mining is not done again for it."""
    some_days(story)
    kept: list[str] = []
    during(lambda _: kept.append(keep(writer)))

    work(story.store)
    assert 1 == len(kept)
    assert "c-meanwhile" == story.store.interactions.get(kept[0]).conversation
    state = writer.state()
    assert (1, 0, None) == (state["kept"], state["lost"], state["trouble"])


def test_turns_are_kept_from_another_thread_as_long_as_it_lasts(
    story: Story, during: During, writer: Writer
) -> None:
    """A distil that hangs in its mining hangs alone."""
    some_days(story)
    begun, may_end = threading.Event(), threading.Event()

    def hang(_: int) -> None:
        begun.set()
        assert may_end.wait(60)

    during(hang)
    found: list[Distilled] = []

    def night() -> None:
        with Store.open(story.store.path) as own:
            found.append(distill(own, now=NOW))

    thread = threading.Thread(target=night)
    thread.start()
    try:
        assert begun.wait(60)
        keep(writer)
        assert not found
    finally:
        may_end.set()
        thread.join(60)
    assert 8 == found[0].examples["demonstrations"]


def test_what_came_in_meanwhile_is_for_the_next_one(story: Story, during: During, writer: Writer) -> None:
    """It is not lost, and neither half in nor the reason for another try."""
    some_days(story)
    tries: list[int] = []

    def meanwhile(number: int) -> None:
        tries.append(number)
        if number == 1:
            kept = keep(writer)
            better = Feedback(
                id="", kind=FeedbackKind.EDIT, at=NOW, interaction=kept, content="This. Fair winds!"
            )
            writer.act(better, source="llm")

    during(meanwhile)
    first = story.distill()
    second = story.distill()
    assert [1, 2] == tries
    assert "c-meanwhile" not in {example.conversation for example in story.learnt(first)}
    assert "c-meanwhile" in {example.conversation for example in story.learnt(second)}


def test_what_is_stated_meanwhile_is_in_it(story: Story, during: During) -> None:
    """The ledger changed under the work, which is done again: the snapshot asks what the user asks."""
    some_days(story)

    def change_of_mind(number: int) -> None:
        if number == 1:
            with Store.open(story.store.path) as beside:
                state(beside, "Close with “Steady.” instead")

    during(change_of_mind)
    distilled = story.distill()
    assert "Close with “Steady.” instead" == active(story.store)["closing"]
    assert active(story.store) == {
        entry.attribute: entry.statement for entry in distilled.snapshot.preferences
    }


def test_what_is_retired_meanwhile_stays_retired(story: Story, during: During) -> None:
    """The user's word on an entry is never undone by what was worked out before it."""
    some_days(story)
    story.distill()
    story.say("End with “Fair winds!”", day=20)
    (entry,) = (each for each in story.store.ledger.active() if each.attribute == "closing")

    def retire(number: int) -> None:
        if number == 1:
            with Store.open(story.store.path) as beside:
                beside.ledger.append(
                    LedgerEvent(
                        preference=entry.id, at=NOW, status=PreferenceStatus.RETIRED, reason="by hand"
                    )
                )

    during(retire)
    distilled = story.distill()
    assert PreferenceStatus.RETIRED is story.store.ledger.get(entry.id).status
    assert entry.id not in {each.id for each in distilled.snapshot.preferences}


def test_what_is_forgotten_meanwhile_is_not_in_it(story: Story, during: During) -> None:
    """No signal and no example brings back what was deleted while it was read."""
    some_days(story)
    secret = story.asked("Where is the treasure?", "No idea. None.", edit("Under the palm. Fair winds!"))

    def forget(number: int) -> None:
        if number == 1:
            with Store.open(story.store.path) as beside:
                beside.forget(at=NOW, conversations=[secret])

    during(forget)
    distilled = story.distill()
    assert secret not in {example.conversation for example in story.store.examples.all()}
    assert not any("palm" in signal.quote for signal in story.store.signals.all())
    assert secret not in story.store.snapshots.splits()
    assert 8 == distilled.examples["demonstrations"]


def test_a_ledger_that_never_rests_is_distilled_all_the_same(story: Story, during: During) -> None:
    """After three tries for nothing the work is done under the lock, with all that was said until then."""
    some_days(story)
    tries: list[int] = []

    def more(number: int) -> None:
        tries.append(number)
        if number > 3:
            return
        with Store.open(story.store.path) as beside:
            beside.feedback.add(stated(f"Close with “Steady {number}.”", day=number))
            beside.snapshots.assign(f"c-other-{number}", Split.TRAIN)

    during(more)
    distilled = story.distill()
    assert [1, 2, 3, 4] == tries
    assert "Close with “Steady 3.”" == active(story.store)["closing"]
    assert distilled.snapshot == story.store.snapshots.latest()


def test_two_at_once_leave_one_ledger(story: Story, during: During) -> None:
    """Both begin with the same state: the second finds that the first was there, and has nothing to add."""
    some_days(story)
    both = threading.Barrier(2)

    def wait(number: int) -> None:
        if number <= 2:
            both.wait(60)

    during(wait)
    found: list[Distilled] = []

    def night() -> None:
        with Store.open(story.store.path) as own:
            found.append(distill(own, now=NOW))

    threads = [threading.Thread(target=night) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    one, other = found
    assert one.snapshot == other.snapshot == story.store.snapshots.latest()
    assert [0, 1] == sorted(bool(each.changes) for each in found)
    assert [0, 1] == sorted(bool(each.new_signals) for each in found)
    histories = [story.store.ledger.history(entry.id) for entry in story.store.ledger.all()]
    assert all(1 == len(history) for history in histories)


@pytest.mark.parametrize(
    ("where", "stage"),
    [
        (stages, "mine"),
        (stages, "draft"),
        (Examples, "add"),
        (Snapshots, "assign"),
        (Snapshots, "freeze"),
    ],
)
def test_cut_off_at_any_stage_nothing_is_written(
    story: Story, monkeypatch: pytest.MonkeyPatch, where: object, stage: str
) -> None:
    """Neither what was worked out nor half of what was to be kept; the next one does all of it."""
    some_days(story)

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, stage, cut_off)
        with pytest.raises(KeyboardInterrupt):
            story.distill()
    assert [[], [], [], {}, []] == [
        story.store.signals.all(),
        story.store.ledger.all(),
        story.store.examples.all(),
        story.store.snapshots.splits(),
        story.store.snapshots.all(),
    ]
    assert 8 == story.distill().examples["demonstrations"]


def test_inside_a_transaction_it_is_part_of_it(story: Story) -> None:
    """What the caller wrote and did not commit yet is read, and what was revised goes when all of it goes."""

    def say_and_fail() -> None:
        with story.store.transaction():
            story.say("End with “Fair winds!”")
            assert revise_ledger(story.store, infer=False)
            assert {"closing": "End with “Fair winds!”"} == active(story.store)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        say_and_fail()
    assert [] == story.store.ledger.all()
