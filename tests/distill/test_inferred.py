"""How what was inferred enters the ledger, changes, and gives way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from distill_story import DAY, WEATHER, Story, call, calling, corrected, edit, result, tool, user
from simulated_users import User, shortened

from persona.distill import probes
from persona.distill.usage import usage
from store.records import LedgerEvent, Preference, PreferencePair, PreferenceStatus

WINDS, STEADY = "Fair winds!", "Steady as she goes."


def edits(
    story: Story, count: int, style, *, question: str = "Why is it so?", day: float | None = None
) -> None:
    """Conversations in which the user made something of a long answer."""
    for one in User(story.told + 1).styled(count, style):
        when = None if day is None else day + story.told / 1000
        story.asked(f"{question} ({story.told})", one.rejected[0].content, edit(one.chosen.content), day=when)


def ending(closing: str):
    return lambda text, chance: f"{text} {closing}"


def active(story: Story) -> dict[str, Preference]:
    return {entry.statement: entry for entry in story.store.ledger.active()}


def test_a_clear_style_becomes_an_entry(story: Story) -> None:
    """With a statement, a checker, its evidence and the effect in the reason; and the examples name it."""
    edits(story, 8, shortened)
    distilled = story.distill()
    (entry,) = story.store.ledger.active()
    assert ("inferred", "always", "length.sentences") == (entry.source, entry.scope, entry.attribute)
    assert ("Answer in at most 2 sentences.", {"kind": "max_sentences", "n": 2}) == (
        entry.statement,
        entry.checker,
    )
    assert 8 == len(entry.signals)
    (event,) = story.store.ledger.history(entry.id)
    assert "8 of 8 conversations" in event.reason
    assert all(entry.id in example.preferences for example in story.learnt(distilled))


def test_without_news_nothing_is_inferred_again(story: Story) -> None:
    """The second night finds the same, and writes nothing."""
    edits(story, 9, ending(WINDS))
    edits(story, 12, ending(STEADY))
    first, again = story.distill(), story.distill()
    assert () == again.changes
    assert first.snapshot == again.snapshot


def test_what_is_stated_comes_first(story: Story) -> None:
    """A statement about the length keeps inferences about it out, in whatever unit."""
    story.say("Answer in at most five sentences.")
    edits(story, 12, shortened)
    story.distill()
    assert {"Answer in at most five sentences."} == set(active(story))


def test_an_inferred_entry_gives_way_to_a_statement(story: Story) -> None:
    """Whether it is about the very same attribute or the length in other units."""
    edits(story, 8, shortened)
    story.distill()
    story.say("Use no more than 30 words.")
    story.distill()
    assert {"Use no more than 30 words."} == set(active(story))
    old = next(entry for entry in story.store.ledger.all() if entry.source == "inferred")
    assert PreferenceStatus.SUPERSEDED is old.status


def test_a_newer_run_supersedes_and_turns_the_old_answers(story: Story) -> None:
    """The new sign-off is active, and what was signed the old way is preferred with the new one."""
    edits(story, 8, ending(WINDS))
    story.distill()
    assert {f"End every answer with “{WINDS}”"} == set(active(story))
    edits(story, 12, ending(STEADY))
    distilled = story.distill()
    assert {f"End every answer with “{STEADY}”"} == set(active(story))
    pairs = [one for one in story.learnt(distilled) if isinstance(one, PreferencePair)]
    turned = [one for one in pairs if one.rejected.content.endswith(WINDS)]
    assert 8 == len(turned)
    assert all(one.chosen.content.endswith(STEADY) for one in turned)


def test_a_pinned_entry_is_not_superseded(story: Story) -> None:
    """Only the user's own words change it; unpinned, evidence may."""
    edits(story, 8, ending(WINDS))
    story.distill()
    (entry,) = story.store.ledger.active()
    pin(story, entry, pinned=True)
    edits(story, 12, ending(STEADY))
    story.distill()
    assert {f"End every answer with “{WINDS}”"} == set(active(story))
    pin(story, entry, pinned=False)
    story.distill()
    assert {f"End every answer with “{STEADY}”"} == set(active(story))


def pin(story: Story, entry: Preference, *, pinned: bool) -> None:
    event = LedgerEvent(
        preference=entry.id, at=entry.last_seen, status=entry.status, reason="by hand", pinned=pinned
    )
    story.store.ledger.append(event)


def test_what_takes_turns_is_contested_until_the_user_says_which(story: Story) -> None:
    """It is neither learnt nor asked of any answer, and one statement ends it."""
    for _ in range(5):
        edits(story, 1, ending(WINDS))
        edits(story, 1, ending(STEADY))
    distilled = story.distill()
    assert {} == active(story)
    assert {PreferenceStatus.CONTESTED} == {entry.status for entry in story.store.ledger.all()}
    assert ["contested", "contested"] == [change.kind for change in distilled.changes]
    assert () == distilled.snapshot.preferences
    assert () == story.distill().changes
    story.say(f"End every answer with “{STEADY}”")
    story.distill()
    statuses = {
        entry.checker["text"]: str(entry.status) for entry in story.store.ledger.all() if entry.checker
    }
    assert {f"End every answer with “{STEADY}”"} == set(active(story))
    assert "superseded" == statuses[WINDS]


def test_an_entry_that_is_broken_now_and_then_is_contested(story: Story) -> None:
    """What was clear is not clear any more, in no order: it is asked about."""
    edits(story, 10, shortened, day=1)
    story.distill()
    for turn in range(12):
        edits(
            story,
            1,
            shortened if turn % 2 else ending("It is so, and more is to say. Much more. Yes."),
            day=60,
        )
    story.distill()
    (entry,) = [one for one in story.store.ledger.all() if one.attribute == "length.sentences"]
    assert PreferenceStatus.CONTESTED is entry.status


def test_what_the_user_retired_needs_as_much_again(story: Story) -> None:
    """Evidence from before does not bring it back; as much new evidence does."""
    edits(story, 10, shortened, day=1)
    story.distill()
    (entry,) = story.store.ledger.active()
    story.store.ledger.append(
        LedgerEvent(
            preference=entry.id,
            at=DAY + timedelta(days=30),
            status=PreferenceStatus.RETIRED,
            reason="by hand",
        )
    )
    edits(story, 3, shortened, day=40)
    story.distill()
    assert {} == active(story)
    edits(story, 8, shortened, day=41)
    story.distill()
    assert {entry.statement} == set(active(story))


def test_forgetting_evidence_takes_the_entry_and_the_next_night_finds_what_is_left(story: Story) -> None:
    """Eight of nine are enough, five are not."""
    edits(story, 9, shortened)
    story.distill()
    conversations = [each.id for each in story.store.interactions.conversations()]
    story.store.forget(at=DAY, conversations=conversations[:1])
    assert [] == story.store.ledger.all()
    story.distill()
    assert {"Answer in at most 2 sentences."} == set(active(story))
    story.store.forget(at=DAY, conversations=conversations[1:4])
    story.distill()
    assert [] == story.store.ledger.all()


def test_a_preference_for_one_kind_of_request_asks_nothing_of_others(story: Story) -> None:
    """Neither examples nor probes of other requests are held to it."""
    edits(story, 12, shortened, question="Write a Python function that sorts.")
    edits(story, 12, lambda text, chance: f"{text} Aye {chance.random()}.")
    distilled = story.distill(held_out_share=0.3)
    (entry,) = story.store.ledger.active()
    assert "kind:code" == entry.scope
    naming = [one for one in story.learnt(distilled) if entry.id in one.preferences]
    assert naming
    assert all("Python" in one.prompt[-1].content for one in naming)
    learnt = story.learnt(distilled)
    assert [one for one in learnt if "Python" not in one.prompt[-1].content]
    asked = probes(distilled.snapshot, learnt)
    held_to = [probe for probe in asked if probe.preferences]
    assert held_to
    assert all("Python" in probe.prompt[-1].content for probe in held_to)


def test_statements_alone_are_read_without_statistics(story: Story) -> None:
    """What is stated shows at once; what many acts show waits for the night."""
    from persona.distill import revise_ledger

    edits(story, 8, shortened)
    story.say("No emoji")
    changes = revise_ledger(story.store, infer=False)
    assert ["No emoji"] == [change.statement for change in changes]
    assert ["Answer in at most 2 sentences."] == [change.statement for change in revise_ledger(story.store)]


GREP = tool("grep", pattern={"type": "string"})
RIPGREP = tool("ripgrep", pattern={"type": "string"})


def choosing(story: Story, wrong: str, right: str) -> None:
    made = calling(call(wrong, pattern="x"), corrected(right, pattern="x"))
    story.talk(user(f"Find x {story.told}"), made, tools=[GREP, RIPGREP])


def test_a_tool_chosen_over_another_twice_is_a_habit(story: Story) -> None:
    """The corrected call is demonstrated and preferred at once; the entry comes with the second one."""
    choosing(story, "grep", "ripgrep")
    distilled = story.distill()
    (pair,) = [one for one in story.learnt(distilled) if isinstance(one, PreferencePair)]
    assert ("ripgrep", "grep") == (pair.chosen.tool_calls[0].name, pair.rejected.tool_calls[0].name)
    assert {} == active(story)
    choosing(story, "grep", "ripgrep")
    story.distill()
    entry = active(story)["Use ripgrep, not grep"]
    assert {"kind": "tool_choice", "tool": "ripgrep", "instead_of": "grep"} == entry.checker
    assert ("inferred", "tool:grep") == (entry.source, entry.scope)


def test_a_tool_that_is_wanted_elsewhere_is_not_given_up(story: Story) -> None:
    """Both are used: the request decides, not a habit."""
    choosing(story, "grep", "ripgrep")
    choosing(story, "ripgrep", "grep")
    choosing(story, "grep", "ripgrep")
    story.distill()
    assert {} == active(story)


def test_usage_says_with_what_and_how_well(story: Story) -> None:
    """Per tool and kind of request: usual values, and how often the result was one."""
    for city, answer in (("Kiel", "7 degrees"), ("Bonn", "9 degrees"), ("Rome", "Error: no such city")):
        story.talk(
            user(f"Weather in {city}?"),
            calling(call("get_weather", city=city, units="metric")),
            result(answer),
            calling(call("get_weather", city=city, units="metric")),
            tools=[WEATHER],
        )
    story.distill()
    (use,) = usage(story.store.interactions.all(), story.store.signals.all())
    assert ("get_weather", "question", 6) == (use.tool, use.kind, use.calls)
    assert "metric" == use.usual["units"]
    assert (3, 2) == (use.ended, use.succeeded)
    assert use.success == pytest.approx(2 / 3)
