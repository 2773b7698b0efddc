"""The way from the store to a frozen snapshot, and the probes made of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from distill_story import NOW, UP, WEATHER, Story, answer, call, calling, corrected, edit, shown, user

from persona.distill import distill, probes
from persona.distill.active import active_preferences
from persona.distill.probes import CHATS
from store.records import Split


def a_week(story: Story, count: int = 20) -> None:
    story.say(
        "Answer in at most one sentence.", "End with “Fair winds!”", "Always use metric units for the weather"
    )
    for number in range(count):
        story.asked(f"Question {number}?", "One. Two. Three.", edit(f"One {number}. Fair winds!"))
    for number in range(5):
        city = f"City{number}"
        made = calling(call("get_weather", city=city), corrected("get_weather", city=city, units="metric"))
        story.talk(user(f"Weather in {city}?"), made, tools=[WEATHER])


def test_without_news_the_snapshot_is_the_same(story: Story) -> None:
    """A second night finds the same snapshot, no new signals, no changes, and writes nothing."""
    a_week(story)
    first = story.distill()
    before = story.store.path.read_bytes()
    again = distill(story.store, now=NOW + timedelta(days=1))
    assert first.snapshot == again.snapshot
    assert (0, ()) == (again.new_signals, again.changes)
    assert before == story.store.path.read_bytes()


def test_the_same_events_give_the_same_snapshot_in_another_store(story: Story, tmp_path: object) -> None:
    """A build can be repeated from the raw events."""
    from pathlib import Path

    from store import Store

    a_week(story)
    with Store.open(Path(str(tmp_path)) / "other.db") as store:
        other = Story(store)
        a_week(other)
        assert story.distill().snapshot == other.distill().snapshot


def test_an_empty_store_gives_an_empty_snapshot(story: Story) -> None:
    """Nothing to learn is no error."""
    distilled = story.distill()
    assert ((), (), ()) == (
        distilled.snapshot.train,
        distilled.snapshot.held_out,
        distilled.snapshot.preferences,
    )
    assert {"demonstrations": 0, "pairs": 0, "train": 0, "held_out": 0} == distilled.examples


def test_counts_say_what_there_is(story: Story) -> None:
    """Examples by kind and by split."""
    a_week(story)
    distilled = story.distill()
    assert (25, 25) == (distilled.examples["demonstrations"], distilled.examples["pairs"])
    assert 50 == distilled.examples["train"] + distilled.examples["held_out"]
    assert 10 == distilled.examples["held_out"]


def test_no_conversation_is_on_both_sides(story: Story) -> None:
    """Train and held-out examples come from different conversations, and stay there when more come in."""
    a_week(story)
    first = story.distill().snapshot
    splits = story.store.snapshots.splits()
    story.told += 1000
    for number in range(10):
        story.asked(f"Later {number}?", "One. Two.", edit(f"Late {number}. Fair winds!"))
    second = story.distill().snapshot
    assert splits == {name: story.store.snapshots.split_of(name) for name in splits}
    assert set(first.held_out) <= set(second.held_out)
    for snapshot in (first, second):
        of = {
            split: {each.conversation for each in story.store.examples.get(ids)}
            for split, ids in ((Split.TRAIN, snapshot.train), (Split.HELD_OUT, snapshot.held_out))
        }
        assert not of[Split.TRAIN] & of[Split.HELD_OUT]


def test_every_preference_has_held_out_conversations(story: Story) -> None:
    """The rare habit too can be judged on prompts that it was not trained on."""
    a_week(story)
    distilled = story.distill()
    held = story.store.examples.get(distilled.snapshot.held_out)
    named = {name for example in held for name in example.preferences}
    assert {entry.id for entry in distilled.snapshot.preferences} == named


@pytest.mark.parametrize("attempt", range(4))
def test_every_tool_has_held_out_conversations(story: Story, attempt: int) -> None:
    """Calls can be judged even where no habit was made of them."""
    for number in range(20):
        story.asked(f"Question {number}?", "One.", edit(f"One {number}."))
    for number in range(3):
        made = calling(call("get_weather", city="x"), corrected("get_weather", city=f"City{number}"))
        story.talk(user(f"City{number}?"), made, tools=[WEATHER], name=f"rare-{attempt}-{number}")
    held = story.store.examples.get(story.distill().snapshot.held_out)
    assert any(example.tools for example in held)


def test_the_snapshot_holds_the_active_preferences_with_bound_checkers(story: Story) -> None:
    """A limit does not count the sign-off that another preference asks for."""
    a_week(story)
    story.say("Close with “Steady.” instead", "Be kind")
    checkers = {entry.attribute: entry.checker for entry in story.distill().snapshot.preferences}
    checkers.pop("opening", None)  # inferred: every answer of this week began alike, and no edit did
    assert {"kind": "max_sentences", "n": 1, "ignoring": ["Steady."]} == checkers.pop("length.sentences")
    assert {"kind": "closing", "text": "Steady."} == checkers.pop("closing")
    assert "units" == checkers.pop("tool.get_weather.units")["argument"]
    assert [None] == list(checkers.values())
    in_ledger = {entry.attribute: entry.checker for entry in story.store.ledger.active()}
    assert {"kind": "max_sentences", "n": 1} == in_ledger["length.sentences"]


def test_binding_twice_is_binding_once(story: Story) -> None:
    """Preferences of a snapshot can be made ready again."""
    a_week(story)
    story.say("No sign-off any more", "No emoji")
    bound = list(story.distill().snapshot.preferences)
    assert bound == [each.preference for each in active_preferences(bound)]


def test_a_new_preference_makes_a_new_snapshot(story: Story) -> None:
    """A changed mind is news, even without a new edit."""
    a_week(story)
    first = story.distill()
    story.say("Close with “Steady.” instead")
    second = story.distill()
    assert first.snapshot.id != second.snapshot.id
    shows = [shown(example) for example in story.learnt(second)]
    assert any("Steady." in text for text in shows if isinstance(text, str))
    assert not any("Fair winds" in text for text in shows if isinstance(text, str))


def test_an_interrupted_night_leaves_nothing(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off at its last step, a night has written no signal, no entry, no example and no split."""
    a_week(story)

    def cut_off(_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(story.store.snapshots, "freeze", cut_off)
    with pytest.raises(KeyboardInterrupt):
        story.distill()
    assert [[], [], [], {}] == [
        story.store.signals.all(),
        story.store.ledger.all(),
        story.store.examples.all(),
        story.store.snapshots.splits(),
    ]


def test_forgetting_is_as_if_it_had_never_been(story: Story) -> None:
    """After a conversation is forgotten, nothing of it is in the next snapshot."""
    a_week(story)
    secret = story.asked("Where is the treasure?", "No idea. None.", edit("Under the palm. Fair winds!"))
    assert any("palm" in str(shown(example)) for example in story.learnt(story.distill()))
    story.store.forget(at=NOW, conversations=[secret])
    assert not any("palm" in str(shown(example)) for example in story.learnt(story.distill()))
    assert not any("palm" in signal.quote for signal in story.store.signals.all())


def test_probes_are_the_held_out_prompts_with_what_applies(story: Story) -> None:
    """Style applies to prose, the habit to the calls of its tool; each prompt is asked once."""
    a_week(story)
    distilled = story.distill()
    held = story.store.examples.get(distilled.snapshot.held_out)
    found = probes(distilled.snapshot, [*held, *story.store.examples.get(distilled.snapshot.train)])
    own = [probe for probe in found if probe.conversation]
    assert len({example.prompt for example in held}) == len(own)
    for probe in own:
        attributes = {entry.attribute for entry in probe.preferences} - {"opening"}  # inferred, see above
        expected = (
            {"tool.get_weather.units"} if probe.reference.tool_calls else {"closing", "length.sentences"}
        )
        assert expected == attributes
        assert Split.HELD_OUT is story.store.snapshots.split_of(probe.conversation)
    assert {True, False} == {bool(probe.tools) for probe in own}


def test_of_prompts_to_which_nothing_applies_the_newest_few_are_asked(story: Story) -> None:
    """Without a checkable preference answers still have a form, which six of them show."""
    for number in range(20):
        story.asked(f"Question {number}?", "Fine.", UP)
    distilled = story.distill(held_out_share=0.5)
    found = probes(distilled.snapshot, story.store.examples.all())
    held = [example.prompt for example in story.store.examples.get(distilled.snapshot.held_out)]
    assert len(held) > CHATS
    assert held[-CHATS:] == [probe.prompt for probe in found]
    assert {()} == {probe.preferences for probe in found}


def test_calls_are_asked_for_without_any_habit(story: Story) -> None:
    """Whether a candidate still calls as it should is seen on every held-out call, and not in its prose."""
    for number in range(10):
        made = calling(call("get_weather", city=f"City {number}"), UP)
        story.talk(user(f"Weather in city {number}?"), made, tools=[WEATHER])
    distilled = story.distill()
    found = probes(distilled.snapshot, story.store.examples.all())
    assert len(distilled.snapshot.held_out) == len(found) > 0
    assert all(probe.reference.tool_calls and not probe.preferences for probe in found)


def test_branches_of_a_conversation_share_its_split(story: Story) -> None:
    """Two answers to one prompt are never on different sides."""
    for number in range(12):
        story.talk(user(f"Q{number}?"), answer("A.", edit("B.")), name=f"c-{number}")
        story.talk(
            user(f"Q{number}?"), answer("A.", edit("B.")), user("And?"), answer("C.", UP), name=f"c-{number}"
        )
    distilled = story.distill()
    of = {example.id: example.conversation for example in story.store.examples.all()}
    train = {of[name] for name in distilled.snapshot.train}
    assert train.isdisjoint(of[name] for name in distilled.snapshot.held_out)
