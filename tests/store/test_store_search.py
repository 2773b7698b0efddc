"""Search over what was said, with whatever people type."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_facts import AT, answer, ask, conversation, interaction, scratch_store

from store import Store
from store.search import quoted

HOSTILE = [
    "", " ", '"', '""', "'", "*", "NOT", "AND", "OR", "NEAR(a b)", "content:x", "a AND", "(", ")", "^a", "a*",
    "-a", "{a b}", 'a" OR "b', "\0", "a\0b", "\ud800", "%", "_", "; DROP TABLE messages", "!!!", "🙂",
    "a" * 10_000, "word " * 5_000, " ".join(map(str, range(5_000))),
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_syntax(store: Store, text: str) -> None:
    """Every text is answered: a message is found by its own words, and no words find nothing."""
    store.interactions.add(interaction("plain"))
    store.interactions.add(interaction(text.replace("\ud800", ""), conversation="c-same"))
    found = [hit.conversation for hit in store.interactions.search(text)]
    if any(character.isalnum() for character in text):
        assert ["c-same"] == found
    else:
        assert {*found} <= {"c-same"}


def test_operators_are_words(store: Store) -> None:
    """NOT, OR and NEAR find the messages that hold these words, and only those."""
    store.interactions.add(interaction("cats not dogs", conversation="c-1"))
    store.interactions.add(interaction("cats", conversation="c-2"))
    assert ["c-1"] == [hit.conversation for hit in store.interactions.search("cats NOT dogs")]
    assert [] == store.interactions.search("cats OR dogs")


def test_words_match_whole_without_case_or_accents(store: Store) -> None:
    """Every word has to be there, in any order."""
    store.interactions.add(interaction("The Café opens at nine"))
    assert 1 == len(store.interactions.search("nine CAFE"))
    assert [] == store.interactions.search("nine tea")
    assert [] == store.interactions.search("caf")


def test_hit_names_the_interaction(store: Store) -> None:
    """A question belongs to its answer, an answer to itself, a last remark to the answer before it."""
    talk = conversation("c-1", ask("alpha"), answer("beta"), ask("gamma"), answer("delta"), ask("epsilon"))
    store.interactions.add_conversation(talk)
    first, second = store.interactions.all()
    found = {
        word: store.interactions.search(word)[0] for word in ["alpha", "beta", "gamma", "delta", "epsilon"]
    }
    assert {
        "alpha": first.id, "beta": first.id, "gamma": second.id, "delta": second.id, "epsilon": second.id,
    } == {word: hit.interaction for word, hit in found.items()}  # fmt: skip
    assert ("user", "alpha", "c-1") == (
        found["alpha"].role,
        found["alpha"].excerpt,
        found["alpha"].conversation,
    )
    assert first.at == found["alpha"].at
    assert AT < found["delta"].at


def test_same_words_are_found_in_each_conversation(store: Store) -> None:
    """A message that is stored once is found wherever it was said."""
    for name in ["c-1", "c-2"]:
        store.interactions.add(interaction("shared opening", conversation=name))
    assert ["c-1", "c-2"] == [hit.conversation for hit in store.interactions.search("shared")]


def test_limit_is_kept_and_the_best_come_first(store: Store) -> None:
    """A short message about the word ranks above a long one that mentions it."""
    store.interactions.add(interaction("tea " + "and many other things " * 30, conversation="c-long"))
    store.interactions.add(interaction("tea", conversation="c-short"))
    assert ["c-short", "c-long"] == [hit.conversation for hit in store.interactions.search("tea")]
    assert ["c-short"] == [hit.conversation for hit in store.interactions.search("tea", limit=1)]


def test_long_messages_are_excerpted_around_the_word(store: Store) -> None:
    """The excerpt holds the word and stays short."""
    store.interactions.add(interaction("before " * 200 + "needle" + " after" * 200))
    (hit,) = store.interactions.search("needle")
    assert "needle" in hit.excerpt
    assert len(hit.excerpt) < 200


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.from_regex(r"[a-z]{2,8}", fullmatch=True), st.text(max_size=40))
def test_any_message_is_found_by_its_words(before: str, word: str, query: str) -> None:
    """Any query is answered, and a word finds its message whatever stands before it."""
    with scratch_store() as store:
        store.interactions.add(interaction(f"{before} {word}", reply="!"))
        store.interactions.search(query)
        assert ["user"] == [hit.role for hit in store.interactions.search(word)]


def test_long_queries_are_cut() -> None:
    """Each word is asked for once, and at most 32 of them."""
    assert '"b" "a"' == quoted("b a b")
    assert 32 == len(quoted(" ".join(map(str, range(5_000)))).split())


def test_quotes_are_doubled() -> None:
    """The one character that ends an FTS5 string cannot."""
    assert '"a""b" "c"' == quoted('a"b c')
