"""How the ledger of preferences comes about and changes."""

from __future__ import annotations

from datetime import timedelta

from distill_story import DAY, NOW, WEATHER, Story, answer, call, calling, corrected, edit, tool, user

from persona.distill import given_up, revise_ledger
from store.identity import with_id
from store.records import Feedback, FeedbackKind, LedgerEvent, Preference, PreferenceStatus

SEARCH = tool("search_notes", query={"type": "string"}, limit={"type": "integer"})


def entries(story: Story) -> dict[str, Preference]:
    return {entry.statement: entry for entry in story.store.ledger.all()}


def active(story: Story) -> list[str]:
    return sorted(entry.statement for entry in story.store.ledger.active())


def test_a_statement_becomes_an_entry_with_a_checker(story: Story) -> None:
    """What is stated is active, knows its signal, and can be checked where it can be read."""
    story.say("Answer in at most two sentences.", "Be kind.")
    distilled = story.distill()
    assert ["added", "added"] == [change.kind for change in distilled.changes]
    found = entries(story)
    read, unread = found["Answer in at most two sentences."], found["Be kind."]
    assert ("always", "length.sentences", "stated") == (read.scope, read.attribute, read.source)
    assert {"kind": "max_sentences", "n": 2} == read.checker
    assert unread.checker is None
    assert unread.attribute.startswith("free.")
    (signal,) = story.store.signals.get(read.signals)
    assert "Answer in at most two sentences." == signal.quote


def test_one_statement_can_make_several_entries(story: Story) -> None:
    """Each thing that it asks for is an entry of its own, under the user's words."""
    story.say("No emoji, and end with “Fair winds!”.")
    story.distill()
    assert {"emoji", "closing"} == {entry.attribute for entry in story.store.ledger.active()}


def test_a_later_statement_supersedes_the_older(story: Story) -> None:
    """Changing one's mind leaves one active entry, and the history says who took whose place."""
    story.say("End every answer with “Fair winds!”")
    story.distill()
    story.say("From now on close with “Steady as she goes.” instead")
    distilled = story.distill()
    assert ["superseded", "added"] == [change.kind for change in distilled.changes]
    old, new = story.store.ledger.all()
    assert (PreferenceStatus.SUPERSEDED, new.id) == (old.status, old.superseded_by)
    assert PreferenceStatus.ACTIVE is new.status
    assert [new.id] == [entry.id for entry in distilled.snapshot.preferences]


def test_the_later_of_two_statements_wins_whatever_comes_in_first(story: Story) -> None:
    """An older conversation imported later does not bring the old preference back."""
    story.say("End with “B”", day=5)
    story.distill()
    story.say("End with “A”", day=1)
    story.distill()
    assert ["End with “B”"] == active(story)
    found = entries(story)
    assert found["End with “B”"].id == found["End with “A”"].superseded_by


def test_contradictions_in_one_conversation_go_by_their_order(story: Story) -> None:
    """Said together, the later word counts."""
    story.say("End with “A”", "End with “B”", "End with “C”")
    story.distill()
    assert ["End with “C”"] == active(story)
    assert 3 == len(story.store.ledger.all())


def test_saying_it_again_is_evidence(story: Story) -> None:
    """The same wish, in the same or in other words, adds a signal and no entry."""
    story.say("Answer in at most two sentences.")
    story.distill()
    story.say("No more than 2 sentences, please.")
    distilled = story.distill()
    assert ["reinforced"] == [change.kind for change in distilled.changes]
    (entry,) = story.store.ledger.all()
    assert 2 == len(entry.signals)
    assert entry.first_seen < entry.last_seen


def test_going_back_after_weeks_revives_the_old_entry(story: Story) -> None:
    """A, then B, then A a month later: A is active, B superseded, and nothing is stored twice."""
    for day, statement in ((0, "End with “A”"), (1, "End with “B”"), (31, "End with “A”")):
        story.say(statement, day=day)
        story.distill()
    assert ["End with “A”"] == active(story)
    found = entries(story)
    assert found["End with “A”"].id == found["End with “B”"].superseded_by
    history = [event.status for event in story.store.ledger.history(found["End with “A”"].id)]
    assert [PreferenceStatus.ACTIVE, PreferenceStatus.SUPERSEDED, PreferenceStatus.ACTIVE] == history


def test_three_changes_in_one_night_are_three_changes(story: Story) -> None:
    """The ledger does not depend on how often it is brought up to date."""
    for day, statement in ((0, "End with “A”"), (1, "End with “B”"), (31, "End with “A”")):
        story.say(statement, day=day)
    story.distill()
    assert ["End with “A”"] == active(story)
    assert 2 == len(story.store.ledger.all())


def test_what_the_user_retired_stays_retired_until_it_is_said_again(story: Story) -> None:
    """Neither another night nor an older statement brings it back; a later one does."""
    story.say("No emoji", day=1)
    story.distill()
    (entry,) = story.store.ledger.all()
    story.store.ledger.append(
        LedgerEvent(
            preference=entry.id,
            at=DAY + timedelta(days=2),
            status=PreferenceStatus.RETIRED,
            reason="asked for",
        )
    )
    story.distill()
    assert [] == active(story)
    story.say("Stop using emoji.", day=1.5)
    story.say("Use emoji", day=1.6)
    story.distill()
    assert [] == active(story)
    story.say("No emoji", day=3)
    story.distill()
    assert ["No emoji"] == active(story)


def test_a_statement_counts_once(story: Story) -> None:
    """An entry that was set aside since is not brought back by the statement that made it."""
    story.say("No emoji")
    story.distill()
    (entry,) = story.store.ledger.all()
    event = LedgerEvent(
        preference=entry.id, at=entry.last_seen, status=PreferenceStatus.CONTESTED, reason="unclear"
    )
    story.store.ledger.append(event)
    assert () == story.distill().changes
    assert [] == active(story)


def test_a_wish_for_one_answer_counts_when_it_is_said_twice(story: Story) -> None:
    """ "Just this once" enters the ledger only from a second conversation on."""
    story.say("Just this once, answer in German", "Just this once, answer in German")
    story.distill()
    assert [] == story.store.ledger.all()
    story.say("just this once, answer in german")
    story.distill()
    assert ["language"] == [entry.attribute for entry in story.store.ledger.active()]


def test_a_statement_outside_any_conversation_counts(story: Story) -> None:
    """What was told to the command line is a preference like any other, and shows before any night."""
    given = Feedback(id="", kind=FeedbackKind.PREFERENCE, at=NOW, content="No headings")
    story.store.feedback.add(with_id(given))
    changes = revise_ledger(story.store)
    assert ["No headings"] == [change.statement for change in changes]
    assert ["No headings"] == active(story)
    assert () == revise_ledger(story.store)
    assert [] == story.store.snapshots.all()


def test_edits_confirm_what_they_bring_about(story: Story) -> None:
    """An edit that keeps what the original broke is evidence; one that changes nothing about it is not."""
    story.say("Answer in at most one sentence.")
    story.asked("Q1?", "One. Two.", edit("One."))
    story.asked("Q2?", "One.", edit("Uno."))
    story.asked("Q3?", "One. Two.", edit("Uno. Due."))
    story.distill()
    (entry,) = story.store.ledger.active()
    quotes = [signal.quote for signal in story.store.signals.get(entry.signals)]
    assert ["Answer in at most one sentence.", "One."] == quotes


def habit_talk(story: Story, request: str, day: float | None = None, **arguments: object) -> None:
    made = calling(
        call("search_notes", query="x", limit=20), corrected("search_notes", query="x", **arguments)
    )
    story.talk(user(request), made, tools=[SEARCH], day=day)


def test_a_call_corrected_twice_is_a_habit(story: Story) -> None:
    """Two conversations with the same correction make an inferred habit of that tool."""
    habit_talk(story, "Find my notes on soup", limit=5)
    story.distill()
    assert [] == story.store.ledger.all()
    habit_talk(story, "Search for rigging", limit=5)
    distilled = story.distill()
    (habit,) = story.store.ledger.active()
    assert ("inferred", "tool:search_notes", "tool.search_notes.limit") == (
        habit.source,
        habit.scope,
        habit.attribute,
    )
    assert {"kind": "tool_argument", "tool": "search_notes", "argument": "limit", "value": 5} == habit.checker
    assert 2 == len(habit.signals)
    assert [habit.id] == [entry.id for entry in distilled.snapshot.preferences]
    habit_talk(story, "Notes on knots?", limit=5)
    story.distill()
    (habit,) = story.store.ledger.active()
    assert 3 == len(habit.signals)


def test_a_value_that_the_request_names_is_no_habit(story: Story) -> None:
    """Correcting a call to what was asked for says nothing about other requests."""
    habit_talk(story, "Find 5 notes on soup", limit=5)
    habit_talk(story, "The 5 best on rigging", limit=5)
    story.distill()
    assert [] == story.store.ledger.all()


def test_two_corrections_in_one_conversation_are_no_habit(story: Story) -> None:
    """One conversation is one sighting."""
    made = calling(call("search_notes", limit=20), corrected("search_notes", limit=5))
    story.talk(user("Soup"), made, user("Rigging"), made, tools=[SEARCH])
    story.distill()
    assert [] == story.store.ledger.all()


def test_corrections_that_disagree_are_no_habit_until_the_latest_agree(story: Story) -> None:
    """The user may change a habit, too."""
    for limit in (5, 5, 9):
        habit_talk(story, "Soup", limit=limit)
        story.distill()
    assert ["Call search_notes with limit = 5"] == active(story)
    habit_talk(story, "Rigging", limit=9)
    story.distill()
    assert ["Call search_notes with limit = 9"] == active(story)
    for _ in range(2):
        habit_talk(story, "Knots", limit=5)
    story.distill()
    assert ["Call search_notes with limit = 5"] == active(story)
    assert 2 == len(story.store.ledger.all())


def test_what_is_stated_beats_what_is_inferred(story: Story) -> None:
    """A statement displaces a habit; a habit never displaces a statement."""
    for _ in range(2):
        habit_talk(story, "Soup", limit=5)
    story.distill()
    story.say("Set limit to 3")
    story.distill()
    assert ["Set limit to 3"] == active(story)
    for _ in range(3):
        habit_talk(story, "Rigging", limit=5)
    story.distill()
    assert ["Set limit to 3"] == active(story)


def test_a_retired_habit_needs_new_sightings(story: Story) -> None:
    """What the user did before retiring it does not count any more."""
    for day in (1, 1.1):
        habit_talk(story, "Soup", limit=5, day=day)
    story.distill()
    (habit,) = story.store.ledger.active()
    retired = LedgerEvent(
        preference=habit.id, at=DAY + timedelta(days=2), status=PreferenceStatus.RETIRED, reason="asked for"
    )
    story.store.ledger.append(retired)
    habit_talk(story, "Rigging", limit=5, day=3)
    story.distill()
    assert [] == active(story)
    habit_talk(story, "Knots", limit=5, day=4)
    story.distill()
    assert [habit.id] == [entry.id for entry in story.store.ledger.active()]


def test_a_statement_is_read_anew_when_its_tool_is_seen(story: Story) -> None:
    """Said before any program offered the tool, it becomes a habit on the night after."""
    story.say("Always use metric units for the weather.")
    story.distill()
    assert [None] == [entry.checker for entry in story.store.ledger.active()]
    story.talk(user("Weather?"), answer("Sunny."), tools=[WEATHER])
    story.distill()
    (entry,) = story.store.ledger.active()
    assert "tool:get_weather" == entry.scope
    assert 2 == len(story.store.ledger.all())


def test_styles_given_up_are_those_that_answers_should_show_no_more(story: Story) -> None:
    """A looser limit and a rule that merely stopped mattering are not among them."""
    story.say("End with “A”", "At most three sentences", "No emoji", "Answer in German")
    story.say("End with “B”", "At most two sentences", "Emoji are fine again", "Answer in English")
    story.say("No sign-off any more")
    story.distill()
    assert ["End with “A”", "Answer in German", "End with “B”"] == sorted(
        (entry.statement for entry in given_up(story.store.ledger.all())),
        key=["End with “A”", "Answer in German", "End with “B”"].index,
    )


def test_what_forbade_something_is_no_style_that_an_answer_could_still_show(story: Story) -> None:
    """Every plain answer would show it, and no night could ever be promoted."""
    story.say("No emoji", "No lists")
    story.say("Use emoji", "Use bullet points")
    story.distill()
    assert ["Use bullet points", "Use emoji"] == active(story)
    assert [] == given_up(story.store.ledger.all())
