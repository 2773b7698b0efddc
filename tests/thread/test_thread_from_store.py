"""A conversation that was kept comes back as the tree that it was, whatever was done in it, to both chats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.answers.talk import conversation
from persona.bootstrap import Persona
from persona.cli import earlier
from persona.paths import Home
from persona.thread import Thread
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Message

AT = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)
NUMBERS = itertools.count()

# What is done to which of the answers that are there, with which of a few texts (they repeat), and how the
# clock goes meanwhile: it is set back sometimes.
ACT = st.tuples(
    st.sampled_from(["ask", "again", "otherwise", "elsewhere", "better", "pick"]),
    st.integers(0, 7),
    st.sampled_from("ab"),
    st.integers(-3, 3),
)


@pytest.fixture(scope="module")
def persona(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Persona]:
    """A home that all examples share: each has a conversation of its own."""

    def no_engine(*_: object) -> Any:
        raise AssertionError("nobody answers here")

    home = Home(tmp_path_factory.mktemp("thread") / "home")
    with Persona(home=home, environ={}, engine_opener=no_engine) as persona:
        persona.create()
        yield persona


@dataclass
class Talk:
    """A conversation that is had, as the store is told of it: `better` and `over` are by interaction."""

    persona: Persona
    id: str
    said: list[Interaction] = field(default_factory=list)
    better: dict[str, str] = field(default_factory=dict)
    picked: list[str] = field(default_factory=list)
    at: datetime = AT

    def do(self, what: str, where: int, text: str, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        asked, answered = Message(role="user", content=text), text.upper()
        if not self.said:
            self._keep((asked,), answered)
            return
        one = self.said[where % len(self.said)]
        behind = Message(role="assistant", content=self.better.get(one.id, one.completion.content))
        match what:
            case "ask":
                self._keep((*one.prompt, behind, asked), answered)
            case "again":
                self._keep(one.prompt, answered)
            case "otherwise":
                self._keep((*one.prompt[:-1], asked), answered)
            case "elsewhere":  # another program goes on from an answer that was never kept here
                said = Message(role="assistant", content="from elsewhere")
                self._keep((*one.prompt, said, asked), answered)
            case "better":
                self.better[one.id] = f"{text}!"
                self._judge(one, FeedbackKind.EDIT, content=f"{text}!")
            case "pick":
                self.picked.append(one.id)
                self._judge(one, FeedbackKind.PICK, over=("another",))

    def _keep(self, prompt: tuple[Message, ...], answered: str) -> None:
        kept = with_id(
            Interaction(
                id="",
                conversation=self.id,
                at=self.at,
                source="chat",
                prompt=prompt,
                completion=Message(role="assistant", content=answered),
                revision=f"r{len(self.said) % 2}",  # two of them say the same sometimes
            )
        )
        if self.persona.store.interactions.add(kept):
            self.said.append(kept)

    def _judge(self, one: Interaction, kind: FeedbackKind, **what: Any) -> None:
        at = AT + timedelta(days=1, seconds=next(NUMBERS))
        act = Feedback(id="", kind=kind, at=at, interaction=one.id, conversation=self.id, **what)
        self.persona.store.feedback.add(with_id(act))


@given(acts=st.lists(ACT, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_answer_is_found_again(persona: Persona, acts: list[tuple[str, int, str, int]]) -> None:
    """Each is an answer of its own, behind the questions that were asked before it, with what the user made
    of it; the chat that goes line by line stands where the one on the whole terminal does."""
    talk = Talk(persona, f"c-{next(NUMBERS)}")
    for act in acts:
        talk.do(*act)
    told = conversation(persona, talk.id, brief=True)
    for one in talk.said:
        thread = Thread.from_json(told)
        assert thread.choose(one.id)
        way = list(thread.path())
        here = next(turn for turn in way if turn.answer is not None and turn.answer.interaction == one.id)
        assert here.answer is not None
        assert one.completion.content == here.answer.said.content
        assert talk.better.get(one.id) == here.answer.better
        behind = [message["content"] for message in thread.messages(here) if message["role"] == "user"]
        assert [message.content for message in one.prompt if message.role == "user"] == behind

        standing = earlier.taken_up(persona, earlier.Place(conversation=talk.id, interaction=one.id))
        assert way[-1].answer is not None
        assert way[-1].answer.interaction == standing.answer.interaction
        assert way[-1].answer.text == standing.answer.message.content
        assert [answer.interaction for answer in way[-1].answers] == [a.interaction for a in standing.answers]
        assert way[-1].question == standing.question[-1].content


@given(acts=st.lists(ACT, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_latest_way_is_chosen(persona: Persona, acts: list[tuple[str, int, str, int]]) -> None:
    """It leads through the last answer, or the one beside it that was picked last; of the answers to a
    question one is picked at most."""
    talk = Talk(persona, f"c-{next(NUMBERS)}")
    for act in acts:
        talk.do(*act)
    told = conversation(persona, talk.id, brief=True)
    thread = Thread.from_json(told)
    latest = told["interactions"][-1]["id"]
    way = list(thread.path())
    turn = next(turn for turn in way if latest in [answer.interaction for answer in turn.answers])
    assert turn.answer is not None
    beside = [answer.interaction for answer in turn.answers]
    picks = [picked for picked in talk.picked if picked in beside]
    assert turn.answer.interaction in (latest, *picks[-1:])
    if picks and not any(answer.turns for answer in turn.answers):
        assert picks[-1] == turn.answer.interaction
    for each in way:
        assert sum(answer.picked for answer in each.answers) <= 1
