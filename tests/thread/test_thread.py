"""The tree of a conversation."""

from __future__ import annotations

from typing import Any

from persona.thread import Answer, Said, Thread


def answered(thread: Thread, question: str, answer: str) -> Any:
    turn = thread.ask(question)
    turn.answers.append(Answer(said=Said("assistant", answer), interaction=f"i-{answer}"))
    return turn


def said(thread: Thread) -> list[str]:
    turn = thread.last
    return [] if turn is None else [m["content"] for m in thread.messages(turn)]


def test_turns_follow_one_another() -> None:
    """What is asked next is asked after the answer that stands."""
    thread = Thread()
    answered(thread, "a", "A")
    answered(thread, "b", "B")
    assert ["a", "A", "b"] == said(thread)


def test_a_better_answer_is_gone_on_from() -> None:
    """The user's version is what the model is told it said."""
    thread = Thread()
    answered(thread, "a", "A").answer.better = "Better"
    thread.ask("b")
    assert ["a", "Better", "b"] == said(thread)


def test_an_edited_question_is_a_branch() -> None:
    """The old question keeps its answer and what followed; both ways can be taken."""
    thread = Thread()
    first = answered(thread, "a", "A")
    answered(thread, "b", "B")
    other = thread.edit(first, "a2")
    assert ["a2"] == said(thread)
    assert (1, 2) == thread.siblings(other)
    assert thread.step(other, -1)
    assert ["a", "A", "b"] == said(thread)
    assert not thread.step(first, -1)


def test_a_turn_nobody_answered_goes() -> None:
    """Taking it out leaves the way as it was."""
    thread = Thread()
    answered(thread, "a", "A")
    thread.take_out(thread.ask("b"))
    assert ["a"] == said(thread)


def test_results_of_tools_stay_until_they_are_answered() -> None:
    """They are told with the next question, and stay when that is taken back."""
    thread = Thread()
    asked = answered(thread, "a", "")
    thread.tell(asked, [("x", "X"), ("y", "Y")])
    assert ["a", "", "X", "Y"] == said(thread)
    question = thread.ask("b")
    assert ["a", "", "X", "Y", "b"] == said(thread)
    assert "b" == question.question
    thread.take_out(question)
    assert ["a", "", "X", "Y"] == said(thread)
    assert 2 == len(list(thread.path()))


def told(
    key: str, after: str | None, said: list[dict[str, Any]], content: str, *acts: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": key,
        "source": "persona",
        "revision": "rev-1",
        "after": after,
        "said": said,
        "completion": {"role": "assistant", "content": content},
        "feedback": list(acts),
    }


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def model(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_a_conversation_comes_back_as_it_was() -> None:
    """Branches, edits, votes and picks are found again, and the latest way is chosen."""
    thread = Thread.from_json(
        {
            "id": "c-1",
            "interactions": [
                told("i-1", None, [user("a")], "A", {"kind": "edit", "content": "Better"}),
                told(
                    "i-2",
                    None,
                    [user("a"), model("Better"), user("b")],
                    "B",
                    {"kind": "up", "reason": "short"},
                ),
                told("i-3", None, [user("a"), model("Better"), user("b")], "B2"),
                told("i-4", None, [user("a2")], "A2"),
                told("i-5", "i-4", [user("c")], "C"),
            ],
        },
        {"rev-1": "r1"},
    )
    assert ["a2", "A2", "c"] == said(thread)
    assert thread.choose("i-2")
    assert ["a", "Better", "b"] == said(thread)
    last = thread.last
    assert last is not None
    assert last.answer is not None
    assert ([("up", "short")], "r1", 2) == (last.answer.votes, last.answer.model, len(last.answers))
    assert not thread.choose("i-9")


def test_the_pick_stands() -> None:
    """Of two answers that nobody went on from, the picked one is shown."""
    both = [
        told("i-1", None, [user("a")], "A", {"kind": "pick"}),
        told("i-2", None, [user("a")], "A2"),
    ]
    last = Thread.from_json({"id": "c", "interactions": both}).last
    assert last is not None
    assert last.answer is not None
    assert "i-1" == last.answer.interaction


def test_a_tools_result_is_a_turn_of_its_own() -> None:
    """The call, its result and the answer after it are kept apart."""
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "x", "name": "f", "arguments": {"a": 1}}],
    }
    result = {"role": "tool", "content": "42", "tool_call_id": "x"}
    thread = Thread.from_json(
        {
            "id": "c",
            "interactions": [
                {**told("i-1", None, [user("a")], ""), "completion": call},
                told("i-2", "i-1", [result], "It is 42."),
            ],
        }
    )
    last = thread.last
    assert last is not None
    roles = [m["role"] for m in thread.messages(last)]
    assert ["user", "assistant", "tool"] == roles
    assert "x" == thread.messages(last)[1]["tool_calls"][0]["id"]
