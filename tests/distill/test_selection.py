"""Which examples a night takes when there are more than it can."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from distill_story import DAY, Story, answer, edit, shown, user
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.distill.selection import Candidate, select
from store.identity import with_id
from store.records import Demonstration, Message

TOPICS = ("ships", "bread", "taxes", "stars", "birds", "trains", "wool", "rivers", "chess", "soap")


def candidate(
    number: int,
    *,
    conversation: str | None = None,
    source: str = "chat",
    explicit: bool = True,
    preferences: tuple[str, ...] = (),
    request: str = "",
    answered: str = "",
) -> Candidate:
    topic = TOPICS[number % 10]
    example = with_id(
        Demonstration(
            id="",
            conversation=conversation or f"c-{number}",
            prompt=(Message(role="user", content=request or f"Tell me about {topic} {number}."),),
            completion=Message(role="assistant", content=answered or f"{topic} are {number * 7919}."),
            preferences=preferences,
        )
    )
    return Candidate(examples=(example,), at=DAY + timedelta(hours=number), source=source, explicit=explicit)


def numbers(selection: object, candidates: list[Candidate]) -> list[int]:
    places = {each.examples[0].id: place for place, each in enumerate(candidates)}
    return [places[example.id] for example in selection.examples]


def test_within_bounds_all_are_taken_in_order() -> None:
    """Nothing is dropped or moved."""
    candidates = [candidate(number) for number in range(20)]
    selection = select(candidates, max_examples=20)
    assert (list(range(20)), Counter()) == (numbers(selection, candidates), selection.dropped)


def test_the_newest_come_first() -> None:
    """Of equal ones the old stay out, and it is said why."""
    candidates = [candidate(number) for number in range(20)]
    selection = select(candidates, max_examples=5)
    assert list(range(15, 20)) == numbers(selection, candidates)
    assert Counter({"more than a night takes": 15}) == selection.dropped


def test_what_was_done_comes_before_what_was_inferred() -> None:
    """However old it is."""
    candidates = [candidate(number, explicit=number < 5) for number in range(20)]
    assert [0, 1, 2, 3, 4, 19] == numbers(select(candidates, max_examples=6), candidates)


def test_conversations_take_turns() -> None:
    """A long recent talk does not push the others out."""
    candidates = [candidate(number, conversation="a" if number >= 10 else None) for number in range(20)]
    chosen = numbers(select(candidates, max_examples=11), candidates)
    assert ([*range(10)], [19]) == (
        [each for each in chosen if each < 10],
        [each for each in chosen if each >= 10],
    )


def test_every_preference_keeps_its_newest() -> None:
    """One that was shown long ago only is not lost among new ones."""
    candidates = [candidate(number, preferences=("old",) if number < 3 else ("new",)) for number in range(90)]
    chosen = numbers(select(candidates, max_examples=20), candidates)
    assert [0, 1, 2] == chosen[:3]


def test_no_preference_takes_more_than_half() -> None:
    """Where there are others."""
    candidates = [candidate(number, preferences=("b",) if number < 30 else ("a",)) for number in range(90)]
    selection = select(candidates, max_examples=40)
    assert 20 == sum(number >= 30 for number in numbers(selection, candidates))
    assert 40 == len(selection.examples)


def test_no_source_takes_more_than_half() -> None:
    """A big import leaves room for what was said elsewhere; alone it may take all."""
    candidates = [candidate(number, source="import:x" if number >= 10 else "chat") for number in range(90)]
    selection = select(candidates, max_examples=40)
    assert 20 == sum(number >= 10 for number in numbers(selection, candidates))
    assert 60 == selection.dropped["too many from one source"]
    alone = [candidate(number, source="import:x") for number in range(90)]
    assert 40 == len(select(alone, max_examples=40).examples)


def test_near_duplicates_count_once() -> None:
    """The same request and answer in nearly the same words; with other numbers or another answer, new."""
    same = "Please tell me what a sloop is and how it is rigged"
    candidates = [
        candidate(0, request=same, answered="A boat with one mast and two sails."),
        candidate(1, request=f"{same}, ok", answered="A boat with one mast and two sails!"),
        candidate(2, request=same, answered="Something else entirely."),
        candidate(3, request="Convert 15 miles to kilometres", answered="24.1 km, more or less."),
        candidate(4, request="Convert 16 miles to kilometres", answered="24.1 km, more or less."),
    ]
    selection = select(candidates)
    assert [1, 2, 3, 4] == numbers(selection, candidates)
    assert Counter({"nearly the same as another one": 1}) == selection.dropped


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["chat", "a", "b"]), st.booleans(), st.integers(0, 3)),
        max_size=60,
    ),
    st.integers(1, 50),
)
def test_a_selection_is_bounded_complete_and_repeatable(
    kinds: list[tuple[int, str, bool, int]], bound: int
) -> None:
    """Never more than allowed, every one left out is counted, and the same again gives the same."""
    candidates = [
        candidate(
            number, conversation=f"c-{talk}", source=source, explicit=explicit, preferences=(f"p{topic}",)
        )
        for number, (talk, source, explicit, topic) in enumerate(kinds)
    ]
    selection = select(candidates, max_examples=bound)
    assert len(selection.examples) <= bound
    assert len(candidates) == len(selection.examples) + selection.dropped.total()
    assert selection == select(candidates, max_examples=bound)
    assert bool(selection.examples) == bool(candidates)


def test_a_night_is_bounded(story: Story) -> None:
    """A year of talks gives no more examples than a night may take, and the newest are among them."""
    for number in range(30):
        topic = TOPICS[number % 10]
        story.talk(user(f"Tell me about {topic} {number}"), answer("x" * number, edit(f"{topic} {number}!")))
    distilled = story.distill(max_examples=20)
    examples = story.learnt(distilled)
    assert 20 == len(examples)
    assert "soap 29!" in [shown(example) for example in examples]
    assert 39 == distilled.dropped["more than a night takes"]  # the first answer was empty: no pair
