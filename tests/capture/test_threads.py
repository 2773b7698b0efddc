"""How a prompt finds the conversation that it goes on with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from persona.capture.threads import Threads
from store.records import Message

AT = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)


def user(text: str) -> Message:
    return Message(role="user", content=text)


def answer(text: str) -> Message:
    return Message(role="assistant", content=text)


def system(text: str) -> Message:
    return Message(role="system", content=text)


@pytest.fixture
def threads() -> Threads:
    """One turn was said: "Why?", "Because."."""
    threads = Threads()
    threads.remember(
        [system("It is noon."), user("Why?")], answer("Because. "), source="llm", conversation="c-1", at=AT
    )
    return threads


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ([user("Why?"), answer("Because."), user("Really?")], "c-1"),
        ([system("It is late."), user("Why?"), answer("Because."), user("Really?")], "c-1"),
        ([user(" Why?"), answer("\nBecause.\n"), user("Really?")], "c-1"),
        ([user("Why?"), answer("Because I say so."), user("Really?")], "c-1"),
        ([user("Why not?"), answer("Because."), user("Really?")], None),
        ([user("Really?")], None),
        ([system("It is noon.")], None),
        ([], None),
    ],
    ids=[
        "word for word",
        "another system prompt",
        "trimmed",
        "an edited answer",
        "another",
        "new",
        "none",
        "empty",
    ],
)
def test_what_goes_on_with_what(threads: Threads, prompt: list[Message], found: str | None) -> None:
    """The same talk is found again though clients change blanks, system prompts and answers."""
    assert found == threads.find(prompt, source="llm", at=AT + timedelta(hours=5))


def test_another_client_is_another_talk(threads: Threads) -> None:
    """What one client said is never found for another one."""
    prompt = [user("Why?"), answer("Because."), user("Really?")]

    assert threads.find(prompt, source="aider", at=AT) is None


@pytest.mark.parametrize(("minutes", "found"), [(9, "c-1"), (11, None)])
def test_the_same_question_at_once_asks_for_another_answer(threads, minutes: int, found: str | None) -> None:
    """Asked again within some minutes it is the same talk; later it is a new one."""
    assert found == threads.find([user("Why?")], source="llm", at=AT + timedelta(minutes=minutes))


def test_the_longest_beginning_wins(threads: Threads) -> None:
    """Of two talks that begin alike, the one that shares more is gone on with."""
    longer = [user("Why?"), answer("Because."), user("Really?")]
    threads.remember(longer, answer("Yes."), source="llm", conversation="c-2", at=AT)

    assert "c-2" == threads.find([*longer, answer("Yes."), user("Oh.")], source="llm", at=AT)


def test_only_so_many_are_remembered() -> None:
    """Memory stays bounded; what was said last is what is known."""
    threads = Threads()
    for number in range(3000):
        threads.remember(
            [user(f"Question {number}?")], answer("Yes."), source="llm", conversation=f"c-{number}", at=AT
        )

    def find(number: int) -> str | None:
        prompt = [user(f"Question {number}?"), answer("Yes."), user("Oh.")]
        return threads.find(prompt, source="llm", at=AT)

    assert find(0) is None
    assert "c-2999" == find(2999)
