"""The chat line by line: earlier conversations are found and taken up again, and some are not kept."""

from __future__ import annotations

import pytest
from cli_parts import Past, Ran, Shell, Troupe

from store.records import Interaction, Origin


def chat(shell: Shell, *lines: str, options: tuple[str, ...] = ()) -> Ran:
    return shell.run("chat", "--plain", *options, stdin="".join(f"{line}\n" for line in lines))


def kept(shell: Shell) -> list[Interaction]:
    with shell.store() as store:
        return list(store.interactions.all())


def test_the_last_conversation_is_taken_up(shell: Shell, past: Past, troupe: Troupe) -> None:
    """`--resume last` shows where we were; the next question sees all of it, and is kept in it."""
    troupe.lines = ["Green.", "Leeks.", "Soup."]
    chat(shell, "Which colour?")
    chat(shell, "What is there to cook?")

    ran = chat(shell, "And what of it?", options=("--resume", "last"))

    assert "> What is there to cook?\nLeeks.\n" in ran.err
    assert "Soup.\n" == ran.out
    assert ["What is there to cook?", "Leeks.", "And what of it?"] == [
        m.content for m in troupe.asked[2].messages
    ]
    assert 2 == len({i.conversation for i in kept(shell)})


def test_an_answer_that_was_given_earlier_is_judged(shell: Shell, past: Past, troupe: Troupe) -> None:
    """A vote and a pick reach the answers of the conversation that was taken up."""
    troupe.lines = ["First.", "Second."]
    chat(shell, "a", "/regenerate")

    chat(shell, "/up", "/pick 1", options=("--resume", "last"))

    with shell.store() as store:
        up, pick = store.feedback.all()
    answers = {i.completion.content: i.id for i in kept(shell)}
    assert answers["Second."] == up.interaction
    assert (answers["First."], ("Second.",)) == (pick.interaction, pick.over)


def test_the_users_own_version_is_gone_on_from(shell: Shell, past: Past, troupe: Troupe) -> None:
    """What the user made of the last answer is what the next question sees, as the user's words."""
    troupe.lines = ["A long answer.", "Next."]
    chat(shell, "a", "/edit Short.")

    chat(shell, "b", options=("--resume", "last"))

    said = troupe.asked[1].messages[1]
    assert ("Short.", Origin.USER) == (said.content, said.origin)


def test_a_list_is_chosen_from_by_number(shell: Shell, past: Past, troupe: Troupe) -> None:
    """/conversations lists the latest first; /resume N takes one up, /new begins another."""
    troupe.lines = ["Green.", "Leeks.", "Blue.", "Yes."]

    ran = chat(
        shell, "Colour?", "/new", "Vegetable?", "/conversations", "/resume 2", "Another?", "/new", "Done?"
    )

    rows = [
        line for line in ran.err.splitlines() if line.endswith(("Colour?", "Vegetable?")) and "1 ans" in line
    ]
    assert ["Vegetable?", "Colour?"] == [row.split()[-1] for row in rows]
    assert ["Colour?", "Green.", "Another?"] == [m.content for m in troupe.asked[2].messages]
    assert ["Done?"] == [m.content for m in troupe.asked[3].messages]


def test_words_are_found_in_all_that_was_said(shell: Shell, past: Past, troupe: Troupe) -> None:
    """/search lists messages with all of the words; going on there is at the end of what followed, past an
    answer that was written better too."""
    troupe.lines = ["Leeks and rope.", "Soup.", "Enough."]
    chat(shell, "Something to buy?", "/edit Leeks alone.", "What to cook?")

    ran = chat(shell, "/search rope leeks", "/resume 1", "How long?", "/search leeks lamps")

    assert "assistant: Leeks and rope." in ran.err
    assert "nothing has all of these words" in ran.err
    assert ["Something to buy?", "Leeks alone.", "What to cook?", "Soup.", "How long?"] == [
        m.content for m in troupe.asked[2].messages
    ]


def test_incognito_keeps_nothing(shell: Shell, past: Past, troupe: Troupe) -> None:
    """What is said reaches no store and cannot be judged; ended, all is kept again, without what was said."""
    troupe.lines = ["Plums.", "More plums.", "Yes."]

    ran = chat(shell, "/incognito", "A secret.", "/up", "/regenerate", "/incognito", "Hello?")

    assert "cannot be judged" in ran.err
    assert ["Hello?"] == [m.content for m in troupe.asked[2].messages]
    assert ["Yes."] == [i.completion.content for i in kept(shell)]
    with shell.store() as store:
        assert [] == store.feedback.all()


def test_a_preference_said_in_incognito_names_no_conversation(
    shell: Shell, past: Past, troupe: Troupe
) -> None:
    """It was meant to be learned, and what was talked about was not meant to be kept."""
    troupe.lines = ["Plums."]

    chat(shell, "/incognito", "A secret.", "/prefer Answer in at most two sentences.")

    with shell.store() as store:
        (stated,) = store.feedback.all()
    assert stated.conversation is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/resume", "/resume needs a number"),
        ("/resume 7", "no conversation '7'"),
        ("/resume last", "nothing was said yet"),
        ("/conversations", "nothing was said yet"),
        ("/conversations all", "takes a number"),
        ("/search", "/search needs words"),
    ],
)
def test_what_is_not_there_is_said(
    shell: Shell, past: Past, troupe: Troupe, line: str, expected: str
) -> None:
    """One line, and the chat goes on."""
    troupe.lines = ["One."]

    ran = chat(shell, line, "a")

    assert (0, "One.\n") == (ran.code, ran.out)
    assert expected in ran.err


def test_a_first_chat_resumes_nothing(shell: Shell, past: Past, troupe: Troupe) -> None:
    """`--resume last` begins a conversation while there is none; an id that is not there ends the chat."""
    troupe.lines = ["One."]

    first = chat(shell, "a", options=("--resume", "last"))
    assert (0, "One.\n") == (first.code, first.out)
    ran = chat(shell, "a", options=("--resume", "c-none"))
    assert (2, "") == (ran.code, ran.out)
    assert "no conversation 'c-none'" in ran.err
