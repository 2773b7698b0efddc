"""What a conversation must fulfil before it is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from store_facts import AT, answer, ask, conversation, conversations, user

from store import Act, Conversation, Turn
from store.identity import interaction_id
from store.records import FeedbackKind, Message, ToolCall

UP = Act(kind=FeedbackKind.UP)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (FeedbackKind.EDIT, {}),
        (FeedbackKind.PICK, {}),
        (FeedbackKind.CORRECTION, {"content": " "}),
        (FeedbackKind.PREFERENCE, {"content": "Be short."}),
    ],
)
def test_act_needs_what_its_kind_needs(kind: FeedbackKind, fields: dict[str, str]) -> None:
    """An edit without content, a pick of one, an empty correction, a statement about one answer."""
    with pytest.raises(ValueError, match="a"):
        Act(kind=kind, **fields)


def test_edit_may_change_the_calls_alone() -> None:
    """An edit of tool calls needs no content."""
    assert "" == Act(kind=FeedbackKind.EDIT, tool_calls=(ToolCall(name="a", arguments={}),)).content


@pytest.mark.parametrize(
    "turn", [Turn(message=user("a"), feedback=(UP,)), Turn(message=user("a"), revision="r0")]
)
def test_only_answers_get_feedback(turn: Turn) -> None:
    """Feedback or a revision on a question is refused, with the number of the message."""
    with pytest.raises(ValueError, match=r"message 2 \(user\)"):
        conversation("c-1", ask("b"), turn)


def test_greeting_is_no_answer() -> None:
    """What the assistant says before anybody asked is part of the prompt, and cannot be judged."""
    system = Turn(message=Message(role="system", content="Be kind."))
    talk = conversation("c-1", system, answer("Hello!"), ask("Hi"), answer("How are you?"))
    (only,) = talk.interactions()
    assert talk.messages[:3] == only.prompt
    with pytest.raises(ValueError, match="no answer"):
        conversation("c-1", system, answer("Hello!", UP))


@pytest.mark.parametrize(
    "fields", [{"id": ""}, {"at": AT.replace(tzinfo=None)}, {"statements": ("Be short.", " ")}]
)
def test_conversation_needs_a_name_a_time_and_words(fields: dict[str, object]) -> None:
    """No id, no time zone, an empty statement."""
    with pytest.raises(ValueError, match=r"id|zone|empty"):
        conversation("c-1", **fields)


def test_time_follows_the_talk() -> None:
    """Turn n stands n milliseconds after the beginning, its acts right behind it."""
    talk = conversation("c-1", ask("a"), answer("b", UP, UP), ask("c"), answer("d", UP))
    assert [timedelta(milliseconds=1), timedelta(milliseconds=3)] == [
        each.at - AT for each in talk.interactions()
    ]
    assert [1001, 1002, 3001] == [(each.at - AT) // timedelta(microseconds=1) for each in talk.feedback()]


@settings(max_examples=30, deadline=None)
@given(conversations())
def test_ids_are_those_of_the_records(talk: Conversation) -> None:
    """The names that the conversation works out in one go are those that each interaction derives alone."""
    for each in talk.interactions():
        assert interaction_id(each) == each.id
