"""Which conversations are held out."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from persona.distill.split import assign_splits
from store.records import Split

TOPICS = st.dictionaries(
    st.text(max_size=8), st.frozensets(st.sampled_from(["p-1", "p-2", "p-3", "tool:x"])), max_size=40
)


def held(splits: dict[str, Split]) -> list[str]:
    return sorted(name for name, split in splits.items() if split is Split.HELD_OUT)


@given(TOPICS)
def test_the_split_is_decided_by_the_conversations_alone(topics: dict[str, frozenset[str]]) -> None:
    """The same conversations, in whatever order they come, are split the same way, and all are."""
    splits = assign_splits(topics, {}, share=0.2)
    assert topics.keys() == splits.keys()
    assert splits == assign_splits(dict(reversed(topics.items())), {}, share=0.2)


@given(TOPICS, TOPICS, st.floats(0, 1), st.floats(0, 1))
def test_what_was_assigned_never_moves(
    first: dict[str, frozenset[str]], later: dict[str, frozenset[str]], share: float, other: float
) -> None:
    """A later night assigns the new conversations only, whatever share it is asked for."""
    assigned = assign_splits(first, {}, share=share)
    assert later.keys() - first.keys() == assign_splits({**first, **later}, assigned, share=other).keys()


# Of p-1 one is held out for itself, and the two others may be for p-2 and p-3: not both.
CROSSED = {
    "c-0": frozenset({"p-2", "p-3"}),
    "c-1": frozenset({"p-1", "p-3"}),
    "c-2": frozenset({"p-1", "p-2"}),
    "c-3": frozenset({"p-1"}),
    "c-4": frozenset({"p-2", "p-3"}),
}


@example(CROSSED)
@given(TOPICS)
def test_every_topic_with_three_conversations_is_held_out_and_trained(
    topics: dict[str, frozenset[str]],
) -> None:
    """Each preference can be judged, and each can be learnt."""
    splits = assign_splits(topics, {}, share=0.2)
    for topic in {topic for named in topics.values() for topic in named}:
        members = [name for name, named in topics.items() if topic in named]
        if len(members) >= 3:
            assert {splits[name] for name in members} == {Split.HELD_OUT, Split.TRAIN}


def test_a_fifth_is_held_out() -> None:
    """Of a hundred conversations on one topic, twenty; of two, none."""
    topics = {f"c-{number}": frozenset({"p-1"}) for number in range(100)}
    assert 20 == len(held(assign_splits(topics, {}, share=0.2)))
    assert [] == held(assign_splits(dict(list(topics.items())[:2]), {}, share=0.2))
    assert [] == held(assign_splits(topics, {}, share=0))


def test_rare_topics_have_their_own_held_out_conversations() -> None:
    """Three conversations about a rare tool among a hundred others: one of them is held out."""
    topics = {f"c-{number}": frozenset({"p-1"}) for number in range(100)}
    topics |= {f"rare-{number}": frozenset({"tool:rare"}) for number in range(3)}
    found = held(assign_splits(topics, {}, share=0.2))
    assert 1 == sum(name.startswith("rare") for name in found)
    assert 20 <= len(found) <= 22


def test_growth_keeps_the_share() -> None:
    """Night after night, the held-out share stays near what was asked for."""
    assigned: dict[str, Split] = {}
    topics: dict[str, frozenset[str]] = {}
    for night in range(20):
        topics |= {f"c-{night}-{number}": frozenset({"p-1"}) for number in range(5)}
        assigned |= assign_splits(topics, assigned, share=0.2)
    assert 20 == len(held(assigned))


def test_conversations_that_say_nothing_alike_are_told_apart_by_name() -> None:
    """The choice depends on the names, not on their order."""
    one = held(assign_splits({f"a-{number}": frozenset() for number in range(50)}, {}, share=0.2))
    other = held(assign_splits({f"b-{number}": frozenset() for number in range(50)}, {}, share=0.2))
    assert 10 == len(one) == len(other)
    assert [name[2:] for name in one] != [name[2:] for name in other]
