"""Names made of content."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_facts import (
    AT,
    demonstration,
    feedback,
    instants,
    interaction,
    later,
    messages,
    preference,
    signal,
    snapshot,
    user,
    values,
)

from store.errors import Unstorable
from store.identity import (
    chain_ids,
    derived_id,
    example_id,
    feedback_id,
    interaction_id,
    message_id,
    preference_id,
    signal_id,
    snapshot_id,
    tools_id,
    with_id,
)
from store.json_forms import canonical, instant, instant_text
from store.records import FeedbackKind, Message, Origin, PreferenceStatus

DIGITS = "[0-9a-f]{24}"


def test_ids_are_a_letter_and_24_hex_digits() -> None:
    """The letter says what is named."""
    named = [
        message_id(None, user("a")),
        tools_id([{}]),
        interaction_id(interaction()),
        feedback_id(feedback(FeedbackKind.PREFERENCE)),
        signal_id(signal()),
        preference_id(preference()),
        example_id(demonstration()),
        snapshot_id(snapshot()),
    ]
    assert all(
        re.fullmatch(f"{letter}-{DIGITS}", name) for letter, name in zip("mtifsped", named, strict=True)
    )


def test_ids_are_the_same_for_ever() -> None:
    """Stores out there hold these: a change of the hashed form needs a new version tag, and a migration."""
    assert "m-7acdecb0bd1b99919b06b3c9" == message_id(None, user("Hello"))
    assert "t-eac16ca82de050660e269f8c" == tools_id([{"a": 1}])
    assert "i-9e1403c8fb27ddbea8e75723" == interaction().id
    assert "f-0671ca286e67551eb286a725" == feedback(FeedbackKind.UP, interaction="i-1").id
    assert "s-bfa876f8588c2f7491abdbca" == signal().id
    assert "p-667014baac6fbc7bb95f592a" == preference().id
    assert "e-6a24edcb83b89fcaf5eee41c" == demonstration().id
    assert "d-fb8bbfa5563a289676da4e87" == snapshot(train=("e-1",), preferences=(preference(),)).id


def test_own_id_does_not_take_part() -> None:
    """Deriving is idempotent."""
    for record in [interaction(), signal(), preference(), demonstration(), snapshot()]:
        assert record == with_id(record)
        assert record.id == derived_id(record)


def test_message_is_named_by_its_past() -> None:
    """The same words after other words are another message."""
    first, second = chain_ids([user("a"), user("b")])
    assert second == message_id(first, user("b"))
    assert second != message_id(None, user("b"))


def test_author_is_part_of_the_name() -> None:
    """A text that a tool wrote never passes for the user's own."""
    pasted = Message(role="user", content="a", origin=Origin.TOOL)
    assert message_id(None, user("a")) != message_id(None, pasted)


def test_times_that_do_not_name() -> None:
    """An interaction, a signal and a snapshot are the same at another time; an act of the user is not."""
    assert interaction().id == interaction(at=later(1), source="elsewhere").id
    assert signal().id == signal(at=later(1)).id
    assert snapshot().id == snapshot(at=later(1)).id
    assert preference().id == preference(last_seen=later(1), status=PreferenceStatus.RETIRED).id
    up = {"interaction": "i-1"}
    assert feedback(FeedbackKind.UP, **up).id != feedback(FeedbackKind.UP, at=later(1), **up).id


def test_order_of_examples_names_a_snapshot() -> None:
    """Training in another order is another build, and so is training on what was held out."""
    ids = {
        snapshot(train=("e-1", "e-2")).id,
        snapshot(train=("e-2", "e-1")).id,
        snapshot(train=("e-1",), held_out=("e-2",)).id,
        snapshot(train=("e-1", "e-2"), preferences=(preference(),)).id,
    }
    assert 4 == len(ids)


def test_key_order_does_not_name() -> None:
    """Two spellings of one JSON value are one value."""
    assert canonical({"a": 1, "b": [{"c": 2, "d": 3}]}) == canonical({"b": [{"d": 3, "c": 2}], "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"a": object()}, {1, 2}, b"bytes"])
def test_what_is_no_json_is_refused(value: object) -> None:
    """With a reason, before anything is hashed or written."""
    with pytest.raises(Unstorable):
        canonical(value)


def test_time_without_zone_is_refused() -> None:
    """A local time without its zone would name another moment on another machine."""
    with pytest.raises(Unstorable, match="time zone"):
        instant_text(AT.replace(tzinfo=None))


@given(instants, instants)
def test_order_of_time_texts_is_the_order_in_time(first: object, second: object) -> None:
    """SQLite sorts the texts; that is only right if they sort as the moments do."""
    assert (first < second) == (instant_text(first) < instant_text(second))  # type: ignore[operator,arg-type]
    assert first == instant(instant_text(first))  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.none() | st.sampled_from(["m-1", "m-2"]), messages), min_size=2, max_size=2))
def test_names_differ_where_content_differs(pair: list[tuple[str | None, Message]]) -> None:
    """Equal content has one name; different content, down to the type of a number, has two."""
    (one, first), (two, second) = pair
    same = (one, repr(first)) == (two, repr(second))
    if same:
        assert message_id(one, first) == message_id(two, second)
    if (one, first) != (two, second):
        assert message_id(one, first) != message_id(two, second)


@given(values)
def test_canonical_is_one_spelling(value: object) -> None:
    """Reading the canonical text and writing it again gives the same bytes."""
    import json

    assert canonical(value) == canonical(json.loads(canonical(value)))
