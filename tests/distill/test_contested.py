"""Statements that contradict each other, and acts that contradict a statement: asked about, never trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from distill_story import DAY, Story, edit, shown
from hypothesis import given, settings
from hypothesis import strategies as st
from people import PEOPLE

from persona.capture.interchange import import_file
from persona.distill import given_up, revise_ledger
from persona.distill.entries import Entries
from persona.distill.evidence import Statement
from persona.distill.ledger import take_statements
from persona.distill.probes import probes
from persona.distill.signals import signal_of
from store.identity import with_id
from store.records import Feedback, FeedbackKind, LedgerEvent, Preference, PreferenceStatus

A, B, C = "End with “A”", "End with “B”", "End with “C”"
LISTS, NO_LISTS = "Use bullet points.", "No lists, please."
LISTED = "- One thing.\n- Another thing.\n- A third thing."
PROSE = "One thing. Another thing. A third thing."


def statuses(story: Story) -> dict[str, str]:
    return {entry.statement: str(entry.status) for entry in story.store.ledger.all()}


def say(story: Story, *said: tuple[float, str]) -> None:
    """Each in a conversation of its own, with a night after it."""
    for day, statement in said:
        story.say(statement, day=day)
        story.distill()


def prefer(story: Story, statement: str, day: float) -> None:
    """Told to persona itself."""
    told = Feedback(id="", kind=FeedbackKind.PREFERENCE, at=DAY + timedelta(days=day), content=statement)
    story.store.feedback.add(with_id(told))
    revise_ledger(story.store, infer=False)


def settle(story: Story, statement: str, day: float, *, pinned: bool = True) -> None:
    """As by hand."""
    at = DAY + timedelta(days=day)
    chosen = next(entry for entry in story.store.ledger.all() if entry.statement == statement)
    for rival in story.store.ledger.all():
        if rival.id != chosen.id and pinned:
            story.store.ledger.append(
                LedgerEvent(
                    preference=rival.id,
                    at=at,
                    status=PreferenceStatus.SUPERSEDED,
                    reason="the user settled it",
                    by=chosen.id,
                    pinned=False,
                )
            )
    story.store.ledger.append(
        LedgerEvent(
            preference=chosen.id, at=at, status=PreferenceStatus.ACTIVE, reason="by hand", pinned=pinned
        )
    )


def reasons(story: Story, statement: str) -> list[str]:
    entry = next(entry for entry in story.store.ledger.all() if entry.statement == statement)
    return [event.reason for event in story.store.ledger.history(entry.id)]


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([(0, A)], {A: "active"}),
        ([(0, A), (1, B)], {A: "superseded", B: "active"}),
        ([(0, A), (1, B), (2, C)], {A: "superseded", B: "superseded", C: "active"}),
        ([(0, A), (1, B), (2, A)], {A: "contested", B: "contested"}),
        ([(0, A), (1, B), (21, A)], {A: "contested", B: "contested"}),
        ([(0, A), (1, B), (30, A)], {A: "active", B: "superseded"}),
        ([(0, C), (1, A), (2, B), (3, A)], {C: "superseded", A: "contested", B: "contested"}),
        ([(0, A), (1, B), (2, A), (5, B)], {A: "contested", B: "contested"}),
        ([(0, A), (1, B), (2, A), (5, C)], {A: "contested", B: "contested", C: "contested"}),
        ([(0, A), (1, B), (2, A), (22, A)], {A: "contested", B: "contested"}),
        ([(0, A), (1, B), (2, A), (22, A), (24, A)], {A: "active", B: "superseded"}),
        ([(0, A), (1, B), (2, A), (30, B)], {A: "superseded", B: "active"}),
    ],
)
@pytest.mark.parametrize("nightly", [True, False])
def test_one_change_is_a_change_of_mind_and_going_back_is_none(
    story: Story, said: list[tuple[float, str]], ends: dict[str, str], nightly: bool
) -> None:
    """Going back within 21 days is contested until nothing else was said for as long; how many nights lie
    between does not matter."""
    if nightly:
        say(story, *said)
    else:
        for day, statement in said:
            story.say(statement, day=day)
        story.distill()
    assert ends == statuses(story)
    assert () == story.distill().changes


def test_what_is_contested_is_neither_learnt_nor_probed_nor_given_up(story: Story) -> None:
    """No example is named or left out for it, and the history says why it waits."""
    for number in range(12):
        text = f"Answer {number} is so."
        story.asked(f"What is number {number}?", text, edit(f"{text} {'AB'[number % 2]}"), day=number / 10)
    say(story, (2, A), (3, B), (4, A))
    distilled = story.distill(held_out_share=0.3)
    assert ["said now this and now that within 21 days"] == reasons(story, A)[-1:]
    assert ["said now this and now that within 21 days"] == reasons(story, B)[-1:]
    learnt = story.learnt(distilled)
    assert {f"Answer {number} is so. {'AB'[number % 2]}" for number in range(12)} == {
        side for one in learnt if isinstance(side := shown(one), str)
    }
    assert not any(one.preferences for one in learnt)
    assert {} == dict(distilled.dropped)
    assert () == distilled.snapshot.preferences
    assert not any(probe.preferences for probe in probes(distilled.snapshot, learnt))
    assert [] == given_up(story.store.ledger.all())


def test_the_answer_to_the_question_settles_it(story: Story) -> None:
    """Told to persona itself, it counts from then on; the next change is one change of mind again."""
    say(story, (0, A), (1, B), (2, A))
    prefer(story, B, 3)
    assert {A: "superseded", B: "active"} == statuses(story)
    assert "the user said which" == reasons(story, A)[-1]
    say(story, (4, A))
    assert {A: "active", B: "superseded"} == statuses(story)
    say(story, (5, B))
    assert {A: "contested", B: "contested"} == statuses(story)


def test_what_is_pinned_is_not_asked_about_again(story: Story) -> None:
    """Chosen by hand, it stays settled: later words still change it, and open no question."""
    say(story, (0, A), (1, B), (2, A))
    settle(story, B, 3)
    assert () == story.distill().changes
    say(story, (4, A), (5, B), (6, A))
    assert {A: "active", B: "superseded"} == statuses(story)


def test_what_was_said_before_it_was_settled_reopens_nothing(story: Story) -> None:
    """Not when it is found later, nor when the pin is gone."""
    say(story, (0, A), (1, B), (2, A))
    settle(story, A, 3)
    settle(story, A, 3.5, pinned=False)
    say(story, (2.5, B), (1.5, C))
    assert {A: "active", B: "superseded", C: "superseded"} == statuses(story)
    say(story, (4, B))
    assert "active" == statuses(story)[B]


def test_what_is_retired_is_out_and_one_statement_brings_it_back(story: Story) -> None:
    """What was said to and fro before that counts no more."""
    say(story, (0, A), (1, B), (2, A))
    (first, _) = story.store.ledger.all()
    story.store.ledger.append(
        LedgerEvent(
            preference=first.id,
            at=DAY + timedelta(days=3),
            status=PreferenceStatus.RETIRED,
            reason="by hand",
        )
    )
    story.distill()
    assert {A: "retired", B: "contested"} == statuses(story)
    say(story, (4, A))
    assert {A: "active", B: "superseded"} == statuses(story)


def acts(story: Story, pattern: str, *, day: float) -> None:
    """One edit a conversation: L makes a list of prose, P prose of a list."""
    for place, letter in enumerate(pattern):
        number = story.told
        before, after = (PROSE, LISTED) if letter == "L" else (LISTED, PROSE)
        story.asked(
            f"Tell me about harbour {number}?",
            f"{before} {number}.",
            edit(f"{after} {number}."),
            day=day + place / 100,
        )


@pytest.mark.parametrize(
    ("pattern", "ends"),
    [
        ("LPLPLPLP", "contested"),
        ("LPLPLPL", "active"),  # three break it
        ("LLLLPPPP", "active"),  # one change: what is stated stands
        ("LLLLPPPPLL", "active"),  # two: a slip
        ("LLLPPPLLPP", "contested"),
    ],
)
def test_acts_in_turns_contest_a_statement(story: Story, pattern: str, ends: str) -> None:
    """As often as they would contest what was inferred, and until the user says it again."""
    say(story, (0, LISTS))
    acts(story, pattern, day=1)
    distilled = story.distill()
    assert ends == statuses(story)[LISTS]
    assert ("contested" == ends) is any("wanted answers keep it" in why for why in reasons(story, LISTS))
    assert (LISTS in [entry.statement for entry in distilled.snapshot.preferences]) is ("active" == ends)
    story.distill()
    assert ends == statuses(story)[LISTS]
    say(story, (2, LISTS))
    assert "active" == statuses(story)[LISTS]


def test_acts_from_before_the_statement_do_not_contest_it(story: Story) -> None:
    """It is the answer to them, as is a pin."""
    acts(story, "LPLPLPLPLP", day=1)
    say(story, (2, LISTS))
    assert "active" == statuses(story)[LISTS]
    settle(story, LISTS, 3)
    acts(story, "LPLPLPLPLP", day=4)
    story.distill()
    assert "active" == statuses(story)[LISTS]


def test_nothing_that_is_inferred_takes_the_place_of_a_question(story: Story) -> None:
    """Evidence does not decide what the user is asked about."""
    say(story, (0, LISTS), (1, NO_LISTS), (2, LISTS))
    acts(story, "L" * 12, day=3)
    story.distill()
    assert {LISTS: "contested", NO_LISTS: "contested"} == {
        entry.statement: str(entry.status)
        for entry in story.store.ledger.all()
        if entry.attribute == story.store.ledger.all()[0].attribute
    }


def stated(place: int, day: float, statement: str, in_conversation: bool) -> Statement:
    told = with_id(
        Feedback(
            id="",
            kind=FeedbackKind.PREFERENCE,
            at=DAY + timedelta(days=day),
            content=statement,
            conversation=f"c-{place}" if in_conversation else None,
        )
    )
    return Statement(
        id=told.id,
        content=told.content,
        at=told.at,
        conversation=told.conversation,
        signal=signal_of(told, None),
    )


@given(
    said=st.lists(
        st.tuples(st.integers(0, 70), st.sampled_from([A, B, C]), st.sampled_from([True, True, True, False])),
        max_size=9,
        unique_by=lambda each: each[0],
    ),
    data=st.data(),
)
@settings(deadline=None)
def test_the_order_of_import_does_not_matter(said: list[tuple[int, str, bool]], data: st.DataObject) -> None:
    """Whatever comes in first, and whenever the ledger is brought up to date, it ends the same."""
    statements = [stated(place, *each) for place, each in enumerate(said)]
    shuffled = data.draw(st.permutations(statements))
    cuts = sorted({0, len(said), *data.draw(st.lists(st.integers(0, len(said))))})
    once, pieces = Entries([]), Entries([])
    take_statements(once, statements, tools=(), decided={})
    for _, until in pairwise(cuts):
        take_statements(pieces, shuffled[:until], tools=(), decided={})
    assert _told(once.all()) == _told(pieces.all())
    assert sum(entry.status is PreferenceStatus.ACTIVE for entry in once.all()) <= 1


def _told(entries: Sequence[Preference]) -> set[object]:
    """What counts of them: what is the same whoever told it first."""
    return {(each.statement, each.status, frozenset(each.signals), each.last_seen) for each in entries}


def test_ruben_is_asked_about_lists_and_learns_his_closing(story: Story, tmp_path: Path) -> None:
    """Seven nights: he says lists, no lists, lists, no lists, and shows both; neither is trained."""
    (ruben,) = [person for person in PEOPLE if person.id == "ruben"]
    for night in range(1, 8):
        path = tmp_path / f"{night}.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in ruben.teaching(night)))
        import_file(story.store, path)
        distilled = story.distill()
    lists = [entry for entry in story.store.ledger.all() if entry.statement in (LISTS, NO_LISTS)]
    assert ["contested", "contested"] == [str(entry.status) for entry in lists]
    assert len({entry.attribute for entry in lists}) == 1
    in_force = {entry.id for entry in story.store.ledger.active()}
    assert not any(entry.attribute == lists[0].attribute for entry in story.store.ledger.active())
    (closing,) = [entry for entry in story.store.ledger.active() if "Good luck!" in entry.statement]
    learnt = story.learnt(distilled)
    assert all(set(one.preferences) <= in_force for one in learnt)
    assert sum(closing.id in one.preferences for one in learnt) > len(learnt) / 2
    assert not any(lists[0].attribute in reason for reason in distilled.dropped)
