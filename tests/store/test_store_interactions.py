"""Interactions and conversations: stored once, given back whole, in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from store_facts import (
    AT,
    answer,
    ask,
    conversation,
    conversations,
    interaction,
    interactions,
    later,
    scratch_store,
    user,
)

from store import Act, Added, Conversation, Store
from store.errors import UnknownId, Unstorable, WrongId
from store.identity import with_id
from store.records import FeedbackKind, Interaction, Message, ToolCall

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"z": 1, "a": 2}}}


def talk(*extra: object) -> Conversation:
    return conversation(
        "c-17",
        ask("How warm is it?"),
        answer(
            "It is 20 degrees outside, as far as I can tell.", Act(kind=FeedbackKind.EDIT, content="20 °C.")
        ),
        ask("Thanks, short is good"),
        answer("You are welcome."),
        *extra,
        statements=("Answer in at most two sentences.",),
    )


def test_conversation_becomes_interactions(store: Store) -> None:
    """One interaction for each completion, with everything said before it as the prompt."""
    assert Added(interactions=2, messages=4, feedback=1, statements=1) == store.interactions.add_conversation(
        talk()
    )
    first, second = store.interactions.all()
    assert (user("How warm is it?"),) == first.prompt
    assert [turn.message for turn in talk().turns[:3]] == list(second.prompt)
    assert "You are welcome." == second.completion.content


def test_same_conversation_twice_is_one(store: Store) -> None:
    """Importing again adds nothing."""
    store.interactions.add_conversation(talk())
    assert Added() == store.interactions.add_conversation(talk())
    assert 2 == store.interactions.count()


def test_conversation_that_grew_adds_its_new_part(store: Store) -> None:
    """What was there keeps its id and its time."""
    store.interactions.add_conversation(talk())
    before = list(store.interactions.all())
    grown = store.interactions.add_conversation(talk(ask("And tomorrow?"), answer("Rain.", revision="rev-1")))
    assert Added(interactions=1, messages=2) == grown
    assert before == list(store.interactions.all())[:2]


def test_branches_share_their_stem(store: Store) -> None:
    """Asking again from the middle stores only what differs."""
    store.interactions.add_conversation(talk())
    stem = talk().turns[:2]
    branch = conversation("c-17", *stem, ask("In Fahrenheit?"), answer("68."))
    assert Added(interactions=1, messages=2) == store.interactions.add_conversation(branch)
    assert 6 == store.database.value("SELECT count(*) FROM messages")


def test_two_conversations_may_open_alike(store: Store) -> None:
    """Equal words are stored once; the interactions stay apart."""
    store.interactions.add(interaction())
    assert store.interactions.add(interaction(conversation="c-2"))
    assert 2 == store.database.value("SELECT count(*) FROM messages")
    assert ["c-1", "c-2"] == sorted(each.conversation for each in store.interactions.all())


def test_served_turn_is_written_once(store: Store) -> None:
    """Adding the same turn again, at another time even, says that it was there and keeps the first time."""
    assert store.interactions.add(interaction())
    assert not store.interactions.add(interaction(at=later(5)))
    assert AT == store.interactions.get(interaction().id).at


def test_same_answer_of_another_revision_is_another_interaction(store: Store) -> None:
    """Who answered is part of what happened."""
    store.interactions.add(interaction(revision="rev-1"))
    assert store.interactions.add(interaction(revision="rev-2"))
    assert {"rev-1", "rev-2"} == {each.revision for each in store.interactions.all()}


def test_tools_and_arguments_keep_their_order(store: Store) -> None:
    """A template renders keys in the order given, so the store must not sort them."""
    call = ToolCall(name="weather", arguments={"unit": "C", "city": "Bern"}, id="1")
    asked = interaction(tools=(TOOL,), completion=Message(role="assistant", tool_calls=(call,)))
    store.interactions.add(asked)
    found = store.interactions.get(asked.id)
    assert ["z", "a"] == list(found.tools[0]["function"]["parameters"])
    assert ["unit", "city"] == list(found.completion.tool_calls[0].arguments)


def test_tool_sets_are_stored_once(store: Store) -> None:
    """A hundred turns with the same tools hold them once."""
    for number in range(3):
        store.interactions.add(interaction(f"{number}", tools=(TOOL,)))
    assert 1 == store.database.value("SELECT count(*) FROM tool_sets")


def test_wrong_id_is_refused(store: Store) -> None:
    """An id that the content does not give is refused with the right one."""
    right = interaction()
    wrong = Interaction(
        id="i-1", conversation="c-1", at=AT, source="chat", prompt=right.prompt, completion=right.completion
    )
    with pytest.raises(WrongId, match=right.id):
        store.interactions.add(wrong)


def test_completion_is_the_assistants(store: Store) -> None:
    """A user's message cannot be stored as an answer."""
    with pytest.raises(Unstorable, match="not the assistant's"):
        store.interactions.add(interaction(completion=user("Hi")))


def test_unknown_interaction_is_named(store: Store) -> None:
    """Both ways of asking for one say which id is unknown."""
    with pytest.raises(UnknownId, match="i-none"):
        store.interactions.get("i-none")
    with pytest.raises(UnknownId, match="i-none"):
        store.interactions.follow_up("i-none")


def test_all_is_ordered_and_filtered(store: Store) -> None:
    """Order by (at, id) whatever the order of adding; each filter narrows, `since` includes its bound."""
    turns = [
        interaction("c", at=later(3), source="import:a"),
        interaction("a", at=later(1), conversation="c-2"),
        interaction("b", at=later(2)),
        interaction("d", at=later(2)),
    ]
    for turn in turns:
        store.interactions.add(turn)
    expected = sorted(turns, key=lambda turn: (turn.at, turn.id))
    assert expected == list(store.interactions.all())
    assert expected[1:] == list(store.interactions.all(since=later(2)))
    assert [turns[1]] == list(store.interactions.all(conversation="c-2"))
    assert [turns[0]] == list(store.interactions.all(source="import:a", since=later(2)))
    assert [] == list(store.interactions.all(source="import:a", conversation="c-2"))


def test_more_interactions_than_one_batch(store: Store) -> None:
    """Reading in batches loses nothing and keeps the order."""
    turns = [interaction(f"{number}", at=later(number)) for number in range(450)]
    with store.transaction():
        for turn in turns:
            store.interactions.add(turn)
    assert turns == list(store.interactions.all())


def test_follow_up_is_what_was_said_next(store: Store) -> None:
    """Up to the next completion, at the end of the conversation too."""
    store.interactions.add_conversation(talk(ask("bye"), ask("really")))
    first, second = store.interactions.all()
    assert (user("Thanks, short is good"),) == store.interactions.follow_up(first.id)
    assert (user("bye"), user("really")) == store.interactions.follow_up(second.id)


def test_follow_up_stays_in_its_conversation(store: Store) -> None:
    """Two conversations that open alike do not hear each other."""
    store.interactions.add(interaction())
    store.interactions.add_conversation(conversation("c-2", ask("Hello"), answer("Hi"), ask("elsewhere")))
    mine, other = sorted(store.interactions.all(), key=lambda each: each.conversation)
    assert () == store.interactions.follow_up(mine.id)
    assert (user("elsewhere"),) == store.interactions.follow_up(other.id)


def test_conversations_are_summed_up(store: Store) -> None:
    """Oldest first, with the span, the number of answers and the words it opened with."""
    store.interactions.add(interaction(conversation="c-0", at=later(60)))
    store.interactions.add_conversation(talk())
    first, second = store.interactions.conversations()
    assert ("c-17", 2, "How warm is it?", "import:test") == (
        first.id, first.interactions, first.opening, first.source,
    )  # fmt: skip
    assert AT + timedelta(milliseconds=1) == first.first_at
    assert AT + timedelta(milliseconds=3) == first.last_at
    assert "c-0" == second.id


@settings(max_examples=30, deadline=None)
@given(interactions)
def test_any_interaction_comes_back(given_interaction: Interaction) -> None:
    """Whatever the records allow is given back equal, and the store is intact."""
    with scratch_store() as store:
        assert store.interactions.add(given_interaction)
        assert not store.interactions.add(given_interaction)
        assert given_interaction == store.interactions.get(given_interaction.id)
        assert [given_interaction] == list(store.interactions.all())
        assert [] == store.verify()


@settings(max_examples=30, deadline=None)
@given(conversations())
def test_any_conversation_comes_back(given_conversation: Conversation) -> None:
    """Every conversation that passes validation is stored, twice is once, and its parts come back equal."""
    with scratch_store() as store:
        added = store.interactions.add_conversation(given_conversation)
        assert Added() == store.interactions.add_conversation(given_conversation)
        wanted = {each.id: each for each in given_conversation.interactions()}
        found = list(store.interactions.all())
        assert wanted == {each.id: each for each in found}
        assert added.interactions == len(found)
        acts = {each.id: each for each in [*given_conversation.feedback(), *given_conversation.stated()]}
        assert acts == {each.id: each for each in store.feedback.all()}
        assert [] == store.verify()


def test_an_id_that_could_not_be_forgotten_is_refused(store: Store) -> None:
    """SQLite's JSON functions end a text at a NUL: such a conversation would never be found by its id."""
    with pytest.raises(Unstorable, match="NUL"):
        store.interactions.add(interaction(conversation="c-1\0x"))
    with pytest.raises(ValueError, match="NUL"):
        conversation("c-1\0x")

    assert 0 == store.interactions.count()


def test_told_says_each_message_once(store: Store) -> None:
    """What came behind the interaction that one goes on from; put together, it is the prompt again, through
    edits and branches."""
    store.interactions.add_conversation(talk())
    first, second = store.interactions.all()
    branch = Interaction(
        id="",
        conversation="c-17",
        at=later(20),
        source="persona",
        prompt=(*second.prompt, second.completion, user("And tomorrow?")),
        completion=Message(role="assistant", content="21 degrees."),
    )
    other = Interaction(
        id="",
        conversation="c-17",
        at=later(30),
        source="persona",
        prompt=(*first.prompt, Message(role="assistant", content="20 °C."), user("Thanks")),
        completion=Message(role="assistant", content="Gladly."),
    )
    for each in (branch, other):
        store.interactions.add(with_id(each))

    told = {each.id: each for each in store.interactions.told("c-17")}
    for whole in store.interactions.all():
        each = told[whole.id]
        prompt: tuple[Message, ...] = each.said
        while each.after is not None:
            each = told[each.after]
            prompt = (*each.said, each.completion, *prompt)
        assert whole.prompt == prompt
        assert whole.completion == told[whole.id].completion
    assert [1, 1, 1, 3] == [len(each.said) for each in told.values()]
    assert [] == store.interactions.told("c-none")
