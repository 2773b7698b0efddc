"""What ordinary use changes: acts taken back, wishes in passing, pairs of corrected and accepted answers."""

from __future__ import annotations

from datetime import timedelta

from distill_story import DAY, DOWN, UP, WEATHER, Story, answer, calling, edit, result, shown, user
from exchange_parts import call

from persona.distill.evidence import mine
from persona.distill.exchanges import lines
from store import Act
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Message, PreferencePair

LONG, SHORT = "It is a boat. It has one mast. Few sail it.", "A boat with one mast."


def corrected(story: Story, said: str, then: str, *acts: Act, after: str = LONG, mended: str = SHORT) -> None:
    story.talk(user("What is a sloop?"), answer(after), user(said), answer(mended, *acts), user(then))


def learnt(story: Story) -> list[object]:
    return [shown(example) for example in story.learnt(story.distill(held_out_share=0))]


def test_a_correction_whose_follower_was_accepted_is_a_pair(story: Story) -> None:
    """The corrected answer loses against the later one, for the first request; nobody wrote one."""
    corrected(story, "Shorter please.", "Perfect, thanks!")
    distilled = story.distill()
    (pair,) = story.learnt(distilled)
    assert isinstance(pair, PreferencePair)
    assert ((SHORT, LONG), 1) == (shown(pair), len(pair.prompt))
    signals = story.store.signals.get(pair.signals)
    assert ["follow_up", "thanks"] == [signal.detector for signal in signals]
    assert all(signal.confidence < 0.8 for signal in signals)


def test_an_act_accepts_too(story: Story) -> None:
    """An up on the later answer, or an edit of it, which is then what is wanted."""
    corrected(story, "Too long.", "And a ketch?", UP)
    corrected(story, "In German please.", "And a ketch?", edit("Ein Boot."), after="A boat!", mended="Boot.")
    assert ("Ein Boot.", "A boat!") in learnt(story)
    assert (SHORT, LONG) not in learnt(story)  # the same prompt came again later


def test_a_correction_may_take_two_tries(story: Story) -> None:
    """The answer that was accepted at last stands against the first."""
    story.talk(
        *(user("What is a sloop?"), answer(LONG), user("Shorter!"), answer("It is a boat. It has one mast.")),
        *(user("Still too long, shorter please."), answer(SHORT), user("Great, thank you.")),
    )
    assert (SHORT, LONG) in learnt(story)


def test_what_is_not_accepted_makes_no_pair(story: Story) -> None:
    """Silence, a new question, a down, giving up."""
    for then, acts in (("And a ketch?", ()), ("thanks", (DOWN,)), ("never mind", ())):
        corrected(story, "Shorter please.", then, *acts)
    assert [] == learnt(story)


def test_what_a_model_cannot_know_makes_no_pair(story: Story) -> None:
    """A correction of content, one for this answer only, one of calls."""
    corrected(story, "No, I meant the one in Oslo harbour.", "thanks")
    corrected(story, "Shorter please, just this once.", "thanks")
    story.talk(
        user("Weather?"),
        answer("Where?!"),
        user("Shorter please."),
        calling(call("get_weather", city="x")),
        result("12"),
        answer("12."),
        user("thanks"),
        tools=[WEATHER],
    )
    assert [] == learnt(story)


def test_a_pair_stands_where_its_answer_was_given(story: Story) -> None:
    """Before what the user did later, so that the end is the newest."""
    corrected(story, "Shorter please.", "Perfect, thanks!")
    story.talk(user("And a ketch?"), answer("Two masts.", UP))
    assert [(SHORT, LONG), "Two masts."] == learnt(story)


def test_an_act_on_the_corrected_answer_leaves_nothing_to_infer(story: Story) -> None:
    """What the user did says more than what followed."""
    for act in (UP, DOWN, edit("Mine.")):
        story.talk(user("What is it?"), answer(LONG, act), user("Shorter."), answer(SHORT), user("thanks"))
    assert (SHORT, LONG) not in learnt(story)


def test_an_edit_of_the_same_prompt_elsewhere_outranks_a_pair(story: Story) -> None:
    """Explicit beats inferred, whichever came first."""
    story.asked("what is a sloop", "x", edit("Mine."), day=-1)
    corrected(story, "Shorter please.", "thanks")
    distilled = story.distill()
    assert ["Mine.", ("Mine.", "x")] == [shown(example) for example in story.learnt(distilled)]
    assert 1 == distilled.dropped["an act on the same prompt says what was wanted"]


def test_a_pair_keeps_the_preferences_in_force(story: Story) -> None:
    """An accepted answer that breaks what was stated is not preferred to anything."""
    story.say("At most one sentence")
    corrected(story, "In German please.", "danke", mended="Ein Boot. Mit einem Mast.")
    distilled = story.distill()
    assert ([], {"it breaks length.sentences": 1}) == (story.learnt(distilled), distilled.dropped)


def test_a_later_act_outranks_the_correction(story: Story) -> None:
    """An up after the next message stands; one before it is taken back."""
    story.talk(user("Hi"), answer("Hello."), user("Too formal."), answer("Hey."))
    first = story.interactions()[0]
    up = Feedback(
        id="", kind=FeedbackKind.UP, at=DAY + timedelta(days=1), interaction=first.id, conversation="c-1"
    )
    story.store.feedback.add(with_id(up))
    story.talk(user("Ho"), answer("Hello.", UP), user("Too formal."), answer("Hey."))
    distilled = story.distill()
    assert ["Hello."] == [shown(example) for example in story.learnt(distilled)]
    assert {"the next message took it back": 1} == distilled.dropped


def test_a_wish_said_in_passing_reaches_the_ledger(story: Story) -> None:
    """With the sentence as its words, and a signal that quotes it."""
    story.talk(user("How far is Rome?"), answer("10 miles."), user("Thanks. From now on use no emoji."))
    story.distill()
    (entry,) = story.store.ledger.active()
    assert ("stated", "emoji", "From now on use no emoji.") == (
        entry.source,
        entry.attribute,
        entry.statement,
    )
    (signal,) = story.store.signals.get(entry.signals)
    assert ("stated_in_chat", 0, "From now on use no emoji.") == (
        signal.detector,
        signal.polarity,
        signal.quote,
    )


def test_a_talk_that_grows_gives_the_same_signals_and_more(story: Story) -> None:
    """What was found before an answer came is found again, under the same name."""
    turns = (user("Hi"), answer("Hello."), user("Too formal. Never use emoji."))
    story.talk(*turns, name="c", day=1)
    before = {signal.id: signal.detector for signal in mine(story.store).signals()}
    story.talk(*turns, answer("Hey."), user("thanks"), name="c", day=1)
    after = {signal.id: signal.detector for signal in mine(story.store).signals()}
    gone = {before[name] for name in before.keys() - after.keys()}
    assert ({"abandoned"}, {"thanks"}) == (gone, {after[name] for name in after.keys() - before.keys()})


def test_corrections_come_with_what_is_asked_for(story: Story) -> None:
    """Attribute, value, a wish that stands by itself, and whether it is for once."""
    replies = {
        "no, use rg": ("tool", "rg", "Use rg.", False),
        "I meant in metric": ("units", "metric", "Use metric units.", False),
        "auf Deutsch bitte": ("language", "de", "Answer in German.", False),
        "Plus court, juste cette fois.": ("length", "shorter", "Answer shorter.", True),
        "Demasiado formal.": ("tone", "less formal", "Answer less formally.", False),
        "No, in at most two sentences.": ("length.sentences", "", "in at most two sentences.", False),
        "No, the other one.": ("", "", "the other one.", False),
        "Senza emoji, grazie.": ("emoji", "none", "No emoji.", False),
        "em inglês, não em português": ("", "", "em inglês, não em português", False),
    }
    for said in replies:
        story.talk(user("Hi"), answer("Hello."), user(said), answer("Hey."), name=said)
    found = {
        each.interaction.conversation: (
            each.correction.attribute,
            each.correction.value,
            each.correction.statement,
            each.correction.one_off,
        )
        for each in mine(story.store).corrections()
    }
    assert replies == found


def interaction(name: str, *contents: str, at: int = 0) -> Interaction:
    """One whose prompt and completion are these texts, by turns of the user and the model."""
    roles = ("user", "assistant")
    *prompt, completion = (
        Message(role=roles[place % 2], content=content) for place, content in enumerate(contents)
    )
    return Interaction(
        id=name,
        conversation="c",
        at=DAY + timedelta(minutes=at),
        source="test",
        prompt=tuple(prompt),
        completion=completion,
    )


def test_branches_are_kept_apart() -> None:
    """An answer is followed by its longest branch; another answer of the same prompt is no part of it."""
    first, again = interaction("a", "Hi", "Hello."), interaction("b", "Hi", "Hey.", at=1)
    second = interaction("c", "Hi", "Hello.", "No", "Hm.", at=2)
    third = interaction("d", "Hi", "Hello.", "No", "Hm.", "thanks", "Sure.", at=3)
    found = {line.interaction.id: line for line in lines([first, again, second, third])}
    contents = {name: [said.content for said in line.after] for name, line in found.items()}
    assert {"a": ["No", "Hm.", "thanks", "Sure."], "b": [], "c": ["thanks", "Sure."], "d": []} == contents
    assert ("c", "d") == (found["a"].next.id, found["c"].next.id)
    assert [again.completion] == list(found["a"].others)
    assert () == found["b"].others
    assert found["a"].time_of(0) < second.at
