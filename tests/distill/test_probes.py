"""How many held-out prompts a night asks, and which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.distill import Probe, bounded, probes
from persona.distill.probes import CHATS
from store.records import DatasetSnapshot, Message, Preference, PreferencePair, PreferenceStatus

AT = datetime(2026, 1, 1, tzinfo=UTC)


def preference(name: str) -> Preference:
    return Preference(
        id=name,
        statement=name,
        scope="always",
        attribute=name,
        source="stated",
        first_seen=AT,
        last_seen=AT,
        status=PreferenceStatus.ACTIVE,
    )


def probe(number: int, *names: str) -> Probe:
    return Probe(
        conversation=f"c-{number}",
        prompt=(Message(role="user", content=f"Question {number}?"),),
        tools=(),
        reference=Message(role="assistant", content="Yes."),
        preferences=tuple(preference(name) for name in names),
    )


def test_the_newest_of_each_preference_are_asked() -> None:
    """A preference with two probes keeps both beside one with ten; what goes are the oldest of the many."""
    found = [probe(0, "rare"), *(probe(n, "style") for n in range(1, 11)), probe(11, "rare")]

    kept = bounded(found, 5)

    assert ["c-0", "c-8", "c-9", "c-10", "c-11"] == [each.conversation for each in kept]


@pytest.mark.parametrize("most", [0, 1, 3, 99])
def test_never_more_than_asked_for(most: int) -> None:
    """Few probes stay as they are; none are asked where none may be."""
    found = [probe(n, "a", "b") for n in range(3)]

    assert min(most, 3) == len(bounded(found, most))


def held_out(*questions: str) -> list[Probe]:
    """The probes of these prompts, where code is to be free of emoji."""
    entry = replace(preference("p"), scope="kind:code", attribute="emoji", checker={"kind": "no_emoji"})
    pairs = [
        PreferencePair(
            id=f"e-{number}",
            conversation=f"c-{number}",
            prompt=(Message(role="user", content=question),),
            tools=(),
            chosen=Message(role="assistant", content="Like so."),
            rejected=Message(role="assistant", content="Like so 😀"),
            signals=(),
            preferences=(),
        )
        for number, question in enumerate(questions)
    ]
    names = tuple(pair.id for pair in pairs)
    snapshot = DatasetSnapshot(id="d", at=AT, train=(), held_out=names, preferences=(entry,))
    return probes(snapshot, pairs)


def test_plain_prompts_fill_up_to_a_few() -> None:
    """The newest of them, beside all that a preference speaks about; where those are enough, none."""
    code = [f"Write a Python function that sorts {number} lists." for number in range(CHATS)]
    plain = [f"Question {number}?" for number in range(CHATS)]
    mixed = held_out(*plain, *code[:2])
    assert [*plain[2:], *code[:2]] == [each.prompt[0].content for each in mixed]
    assert [False] * (CHATS - 2) + [True] * 2 == [bool(each.preferences) for each in mixed]
    assert code == [each.prompt[0].content for each in held_out(*plain, *code)]


@given(st.lists(st.sets(st.sampled_from("abc")), max_size=30), st.integers(0, 30))
def test_order_and_share(names: list[set[str]], most: int) -> None:
    """The order stays, nothing comes twice, and while there is room every preference has a probe."""
    found = [probe(n, *sorted(each)) for n, each in enumerate(names)]

    kept = bounded(found, most)

    assert min(most, len(found)) == len(kept)
    assert kept == [each for each in found if each in kept]
    if most >= 3:
        assert set().union(*names) == {each.id for one in kept for each in one.preferences}
