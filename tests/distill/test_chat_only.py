"""A person who only chats, and says in the next message what is amiss: what of it is learnt, what is not."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from distill_story import UP, Story, answer, edit, user
from simulated_users import User, anything, found, prose

from persona.distill import probes
from persona.distill.evidence import Judged, Mined, mine
from persona.distill.inference import Observation, observe
from persona.distill.repeated import repeated
from store.records import Preference, PreferencePair, PreferenceStatus

LENGTHS = frozenset({"length.sentences", "length.words"})
LONG = "It is a kind of boat. It has one mast and two sails. Most of them are found along the coast."
MILES, KILOMETRES = "It is 10 miles away.", "It is 16 km away."


def chat(
    story: Story,
    said: str,
    *,
    first: str = LONG,
    then: str = "It is a boat with one mast.",
    ends: str = "Thanks, perfect.",
) -> str:
    """One conversation in which the first answer is corrected, and the second is answered with `ends`."""
    question = f"What is number {story.told} of the list?"
    return story.talk(user(question), answer(first), user(said), answer(then), user(ends))


def active(story: Story) -> dict[str, Preference]:
    story.distill()
    return {entry.attribute: entry for entry in story.store.ledger.active()}


def test_shorter_please_becomes_a_limit_with_its_words_as_evidence(story: Story) -> None:
    """Sixteen conversations: an entry that quotes them, pairs that name it, probes that are held to it."""
    for _ in range(16):
        chat(story, "Too long. Shorter please.")
    distilled = story.distill()
    (entry,) = story.store.ledger.active()
    assert ("inferred", "always", "Answer in at most 1 sentence.") == (
        entry.source,
        entry.scope,
        entry.statement,
    )
    quotes = {signal.quote for signal in story.store.signals.get(entry.signals)}
    assert {"Too long. Shorter please.", "Thanks, perfect."} == quotes
    pairs = [one for one in story.learnt(distilled) if isinstance(one, PreferencePair)]
    assert 16 == len(pairs) == sum(entry.id in pair.preferences for pair in pairs)
    asked = probes(distilled.snapshot, pairs)
    assert len(distilled.snapshot.held_out) == sum(bool(probe.conversation) for probe in asked) > 0
    assert all([entry.id] == [each.id for each in probe.preferences] for probe in asked)
    assert () == story.distill().changes


def test_few_corrections_give_pairs_and_probes_without_a_preference(story: Story) -> None:
    """Five are too few to say what is wanted of all answers, and enough to learn from and to measure."""
    for _ in range(5):
        chat(story, "Too long. Shorter please.")
    distilled = story.distill()
    assert [] == story.store.ledger.all()
    held = story.store.examples.get(distilled.snapshot.held_out)
    assert len(held) == len(probes(distilled.snapshot, held)) > 0


def test_a_correction_tells_of_nothing_but_what_it_names(story: Story) -> None:
    """How the model begins when it is corrected, and what else it leaves out, is no wish of the user."""
    for number in range(12):
        chat(
            story,
            "Too long. Shorter please.",
            first=f"{LONG} Hope this helps, number {number}! 😀",
            then="Sure, here is a shorter one. It is a boat with one mast.",
        )
    assert {"length.sentences"} == set(active(story))
    assert {LENGTHS} == {one.about for one in observe(mine(story.store).judged)}


@pytest.mark.parametrize(
    ("said", "first", "then", "statement"),
    [
        ("I meant in metric", MILES, KILOMETRES, "Use metric units."),
        ("auf Deutsch bitte", LONG, "Das ist ein Boot mit einem Mast.", "Answer in German."),
        ("No, in at most two sentences.", LONG, "A boat. One mast.", "in at most two sentences."),
        ("No emoji please.", "A boat 😀", "A boat.", "No emoji."),
    ],
)
def test_what_a_checker_can_tell_needs_two_conversations(
    story: Story, said: str, first: str, then: str, statement: str
) -> None:
    """Once is nothing; said again, it is an entry whose evidence are the corrections."""
    chat(story, said, first=first, then=then)
    assert {} == active(story)
    chat(story, said, first=first, then=then)
    (entry,) = active(story).values()
    assert ("inferred", statement) == (entry.source, entry.statement)
    assert entry.checker is not None
    quotes = [signal.quote for signal in story.store.signals.get(entry.signals)]
    assert [said, said] == quotes
    assert () == story.distill().changes


NOTHING = {
    "for once": ("Just this once, in metric please.", MILES, KILOMETRES),
    "kept already": ("I meant in metric", KILOMETRES, KILOMETRES),
    "no checker": ("Too formal.", LONG, "Hey, a boat!"),
    "content": ("No, the other one.", LONG, "A ketch has two masts."),
}


@pytest.mark.parametrize(("said", "first", "then"), NOTHING.values(), ids=NOTHING)
def test_what_says_nothing_about_all_answers_is_no_entry(
    story: Story, said: str, first: str, then: str
) -> None:
    """However often it is said."""
    for _ in range(5):
        chat(story, said, first=first, then=then)
    assert {} == active(story)


def test_where_the_answer_does_not_tell_it_takes_twice_as_many(story: Story) -> None:
    """An answer without any units broke nothing that can be seen."""
    for count in (1, 2, 3, 4):
        chat(story, "I meant in metric", first="It is far away.", then=KILOMETRES)
        assert (count == 4) == ("units" in active(story)), count


def test_the_language_of_a_translation_is_no_wish(story: Story) -> None:
    """It names what to translate into."""
    for number in range(4):
        request = user(f"Translate this: the boat number {number} sails")
        story.talk(request, answer("Le bateau vogue."), user("No, in German."), answer("Das Boot segelt."))
    assert {} == active(story)


def test_what_was_welcome_the_other_way_speaks_against_it(story: Story) -> None:
    """Thanks for miles after the first wish for metric: two are not clear any more, eight in a row are."""
    chat(story, "I meant in metric", first=MILES, then=KILOMETRES)
    story.talk(user("How far is Rome?"), answer("It is 900 miles away."), user("Thanks, perfect."))
    for count in range(1, 9):
        chat(story, "I meant in metric", first=MILES, then=KILOMETRES, ends="And Oslo?")
        assert (count == 8) == ("units" in active(story)), count


def test_a_change_of_mind_takes_a_clear_run(story: Story) -> None:
    """Two wishes for the contrary change nothing; eight in a row do, and the old entry steps back."""
    for _ in range(3):
        chat(story, "I meant in metric", first=MILES, then=KILOMETRES)
    metric = active(story)["units"]
    for count in range(1, 9):
        chat(story, "I meant in imperial units", first=KILOMETRES, then=MILES, ends="And Oslo?")
        assert (count == 8) == (active(story)["units"].id != metric.id), count
    assert PreferenceStatus.SUPERSEDED is story.store.ledger.get(metric.id).status
    assert () == story.distill().changes


def test_what_is_stated_comes_before_what_corrections_repeat(story: Story) -> None:
    """Whenever it was stated."""
    for _ in range(3):
        chat(story, "auf Deutsch bitte", then="Das ist ein Boot mit einem Mast.")
    assert "inferred" == active(story)["language"].source
    story.say("Answer in English.")
    assert ("stated", "Answer in English.") == (
        active(story)["language"].source,
        active(story)["language"].statement,
    )


def test_a_later_act_outranks_what_was_inferred_in_the_talk(story: Story) -> None:
    """An act on the corrected answer, or an edit later in the same talk, is what counts there."""
    chat(story, "Shorter please.")
    story.talk(
        user("What is a ketch?"), answer(LONG, UP), user("Shorter please."), answer("A boat."), user("thanks")
    )
    story.talk(
        *(user("What is a yawl?"), answer(LONG), user("Shorter please."), answer("A boat."), user("thanks")),
        *(answer("Welcome."), user("And a cat?"), answer("A cat.", edit(f"A boat. {LONG}"))),
    )
    seen = [(one.conversation, one.about) for one in observe(mine(story.store).judged)]
    assert [("c-1", LENGTHS), ("c-3", None)] == seen


def corrected(user: User, rejected: str, chosen: str, about: frozenset[str]) -> Observation:
    return replace(user.edit(rejected, chosen), about=about)


def test_users_whose_corrections_change_whatever_chance_has_are_told_of_none() -> None:
    """Of two hundred, fewer than one in twenty."""
    topics = [LENGTHS, frozenset({"emoji"}), frozenset({"lists", "headings", "bold"}), frozenset({"units"})]
    misled = 0
    for seed in range(200):
        one = User(seed)
        seen = [
            corrected(one, anything(one.chance), anything(one.chance), one.chance.choice(topics))
            for _ in range(16)
        ]
        misled += bool(found(seen))
    assert misled < 0.05 * 200


def test_users_who_want_it_shorter_and_longer_by_turns_are_told_of_no_limit() -> None:
    """Of two hundred whose corrections contradict each other, fewer than one in twenty."""
    misled = 0
    for seed in range(200):
        one = User(seed)
        seen = []
        for _ in range(16):
            few, many = (
                prose(one.chance, one.chance.randint(1, 2)),
                prose(one.chance, one.chance.randint(4, 7)),
            )
            sides = (many, few) if one.chance.random() < 0.5 else (few, many)
            seen.append(corrected(one, *sides, LENGTHS))
        misled += bool(found(seen))
    assert misled < 0.05 * 200


METRIC, IMPERIAL = ("I meant in metric", MILES, KILOMETRES), ("I meant in imperial units", KILOMETRES, MILES)


def test_wishes_that_take_turns_are_no_entry(story: Story) -> None:
    """Metric and imperial: neither is what the user wants of all answers."""
    for number in range(8):
        said, first, then = (METRIC, IMPERIAL)[number % 2]
        chat(story, said, first=first, then=then)
    assert {} == active(story)


def test_users_who_wish_now_this_now_that_are_told_of_neither(story: Story) -> None:
    """Of two hundred with sixteen such wishes each, fewer than one in twenty after the last of them."""
    for said, first, then in (METRIC, IMPERIAL):
        chat(story, said, first=first, then=then, ends="And Oslo?")
    kinds = [each for each in mine(story.store).judged if each.correction is not None]
    misled = 0
    for seed in range(200):
        chance = random.Random(seed)
        made = [moved(chance.choice(kinds), number) for number in range(16)]
        misled += bool(repeated(Mined(judged=tuple(made), statements=(), tools=())))
    assert misled < 0.05 * 200


def moved(judged: Judged, number: int) -> Judged:
    """The same in another conversation, later."""
    at = judged.interaction.at + timedelta(days=number)
    interaction = replace(judged.interaction, id=f"i-{number}", conversation=f"c-{number}", at=at)
    signals = tuple(replace(each, id=f"{each.id}-{number}", at=at) for each in judged.inferred)
    return replace(judged, interaction=interaction, inferred=signals)
