"""One conversation as a tree: an answer can be followed by several questions, a question by several answers.

Nothing is ever taken out: editing, regenerating and picking choose another way through. Pure, neither store
nor HTTP.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `calls` are (id, name, arguments as JSON text)."""

    role: str
    content: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    answers: str | None = None  # the id of the call that a tool's message answers

    def to_json(self) -> dict[str, Json]:
        """As the chat dialect has it."""
        message: dict[str, Json] = {"role": self.role, "content": self.content}
        if self.calls:
            message["tool_calls"] = [
                {"id": key, "type": "function", "function": {"name": name, "arguments": arguments}}
                for key, name, arguments in self.calls
            ]
        if self.answers is not None:
            message["tool_call_id"] = self.answers
        return message


def said_of(message: Mapping[str, Json]) -> Said:
    """A message of /persona/conversation."""
    calls = tuple(
        (call.get("id", ""), call["name"], json.dumps(call["arguments"], ensure_ascii=False))
        for call in message.get("tool_calls") or ()
    )
    return Said(message["role"], message.get("content") or "", calls, message.get("tool_call_id"))


@dataclass(eq=False)
class Answer:
    """`better` is what the user made of it, and what the conversation goes on from. `model` is who spoke.

    `votes` are (kind, reason), the latest last. `cut`: it was stopped before its end.
    """

    said: Said
    interaction: str | None = None
    revision: str | None = None
    model: str = ""
    better: str | None = None
    votes: list[tuple[str, str]] = field(default_factory=list)
    picked: bool = False
    cut: bool = False
    thoughts: str = ""
    tokens: int = 0
    rate: float | None = None
    turns: list[Turn] = field(default_factory=list)
    at: int = 0

    @property
    def text(self) -> str:
        return self.said.content if self.better is None else self.better

    @property
    def standing(self) -> Said:
        return self.said if self.better is None else Said("assistant", self.better)


@dataclass(eq=False)
class Turn:
    """What was asked (a question, or a tool's results) and every answer to it; `at` is the chosen one.

    It follows the answer `before`, which is one of the turn `behind`.
    """

    asked: tuple[Said, ...]
    before: Answer | None = None
    behind: Turn | None = None
    answers: list[Answer] = field(default_factory=list)
    at: int = 0

    @property
    def answer(self) -> Answer | None:
        return self.answers[self.at] if self.answers else None

    @property
    def question(self) -> str:
        """The user's own words in it."""
        return next((said.content for said in reversed(self.asked) if said.role == "user"), "")

    def pick(self, answer: Answer) -> None:
        """The best of its answers, whatever was picked before: it goes on from there."""
        self.at = self.answers.index(answer)
        for each in self.answers:
            each.picked = each is answer


@dataclass(eq=False)
class Thread:
    """`id` names the conversation to the daemon."""

    id: str = field(default_factory=lambda: f"c-{uuid.uuid4().hex}")
    turns: list[Turn] = field(default_factory=list)
    at: int = 0

    def path(self) -> Iterator[Turn]:
        """The way that is chosen now, first turn first."""
        turns, at = self.turns, self.at
        while turns:
            turn = turns[at]
            yield turn
            if turn.answer is None:
                return
            turns, at = turn.answer.turns, turn.answer.at

    @property
    def last(self) -> Turn | None:
        turn = None
        for turn in self.path():  # noqa: B007  # the last one is wanted
            pass
        return turn

    def ask(self, text: str) -> Turn:
        """A new turn at the end of the way. What tools said and nobody answered goes with it."""
        last = self.last
        asked = (Said("user", text),)
        if last is None or last.answer is not None:
            return self._branch(last, last.answer if last else None, asked)
        self._remove(last)
        return self._branch(last.behind, last.before, (*last.asked, *asked))

    def tell(self, turn: Turn, results: Sequence[tuple[str, str]]) -> Turn:
        """What tools said, by the id of their call, to the answer of `turn` that called them."""
        asked = tuple(Said("tool", text, answers=key) for key, text in results)
        return self._branch(turn, turn.answer, asked)

    def edit(self, turn: Turn, text: str) -> Turn:
        """The same place asked otherwise: a branch, and the one that was there stays."""
        asked = tuple(said for said in turn.asked if said.role != "user")
        return self._branch(turn.behind, turn.before, (*asked, Said("user", text)))

    def take_out(self, turn: Turn) -> None:
        """A turn that nobody answered is as if never asked; what tools said in it stays."""
        self._remove(turn)
        told = tuple(said for said in turn.asked if said.role == "tool")
        if told:
            self._branch(turn.behind, turn.before, told)

    def choose(self, interaction: str) -> bool:
        """Take the way through the answer of this interaction; whether there is one."""
        for turn in self._all():
            for answer in turn.answers:
                if answer.interaction == interaction:
                    self._through(turn, answer)
                    return True
        return False

    def _through(self, turn: Turn | None, answer: Answer | None) -> None:
        while turn is not None and answer is not None:
            turn.at = turn.answers.index(answer)
            place = self if turn.before is None else turn.before
            place.at = place.turns.index(turn)
            answer = turn.before
            turn = turn.behind

    def siblings(self, turn: Turn) -> tuple[int, int]:
        """Which of how many questions at its place it is, from 0."""
        place = self if turn.before is None else turn.before
        return place.turns.index(turn), len(place.turns)

    def step(self, turn: Turn, by: int) -> Turn | None:
        """Go to the sibling question before or after; None when there is none."""
        at, of = self.siblings(turn)
        if not 0 <= at + by < of:
            return None
        place = self if turn.before is None else turn.before
        place.at = at + by
        return place.turns[place.at]

    def messages(self, turn: Turn) -> list[dict[str, Json]]:
        """All that was said up to and with the question of `turn`."""
        back: list[Said] = []
        here: Turn | None = turn
        while here is not None:
            back += reversed(here.asked)
            if here.before is not None:
                back.append(here.before.standing)
            here = here.behind
        return [said.to_json() for said in reversed(back)]

    def _all(self) -> Iterator[Turn]:
        left = list(self.turns)
        while left:
            turn = left.pop()
            yield turn
            left += [after for answer in turn.answers for after in answer.turns]

    def _remove(self, turn: Turn) -> None:
        place = self if turn.before is None else turn.before
        place.turns.remove(turn)
        place.at = max(0, len(place.turns) - 1)

    def _branch(self, behind: Turn | None, before: Answer | None, asked: tuple[Said, ...]) -> Turn:
        place = self if before is None else before
        for number, known in enumerate(place.turns):
            if known.asked == asked:
                place.at = number
                return known
        turn = Turn(asked=asked, before=before, behind=behind)
        place.turns.append(turn)
        place.at = len(place.turns) - 1
        return turn

    @classmethod
    def from_json(cls, conversation: Mapping[str, Json], names: Mapping[str, str] | None = None) -> Thread:
        """What /persona/conversation tells in brief, with the latest way chosen. `names` are refs by
        revision id."""
        thread = cls(id=conversation["id"])
        told = {interaction["id"]: interaction for interaction in conversation["interactions"]}
        known: dict[str, tuple[Turn, Answer]] = {}
        for key in told:
            for each in _line(told, key, known):  # what it goes on from first, whatever the clock said then
                known[each["id"]] = thread._add(each, known.get(each["after"]), names or {})
        if known:
            thread._through(*known[conversation["interactions"][-1]["id"]])
        picks = [
            (act.get("at", ""), key)
            for key, interaction in told.items()
            for act in interaction["feedback"]
            if act["kind"] == "pick"
        ]
        for _, key in sorted(picks, key=lambda pick: pick[0]):
            thread._settle(*known[key])
        return thread

    def _settle(self, turn: Turn, answer: Answer) -> None:
        """It was picked: that is the way, unless one of them was gone on from."""
        at = turn.at
        turn.pick(answer)
        if any(each.turns for each in turn.answers):
            turn.at = at

    def _add(
        self, told: Mapping[str, Json], after: tuple[Turn, Answer] | None, names: Mapping[str, str]
    ) -> tuple[Turn, Answer]:
        behind, before = after or (None, None)
        asked: list[Said] = []
        for message in map(said_of, told["said"]):
            if message.role == "assistant" and asked:
                behind = self._branch(behind, before, tuple(asked))
                before = self._answer(behind, message)
                asked = []
            else:
                asked.append(message)
        turn = self._branch(behind, before, tuple(asked))
        answer = self._answer(turn, said_of(told["completion"]), told["id"])
        answer.revision = told["revision"]
        answer.model = names.get(answer.revision or "", told["source"])
        for act in told["feedback"]:
            _judge(answer, act)
        return turn, answer

    def _answer(self, turn: Turn, said: Said, interaction: str | None = None) -> Answer:
        """The one of `turn` that said so. Two interactions are two answers, though they say the same."""
        for number, known in enumerate(turn.answers):
            if _is(known, said, interaction):
                known.interaction = known.interaction or interaction
                turn.at = number
                return known
        turn.answers.append(Answer(said=said, interaction=interaction))
        turn.at = len(turn.answers) - 1
        return turn.answers[-1]


def _is(known: Answer, said: Said, interaction: str | None) -> bool:
    if interaction is not None:
        return known.said == said and known.interaction is None
    return known.said == said or (known.better is not None and known.standing == said)


def _line(
    told: Mapping[str, Mapping[str, Json]], key: str | None, known: Container[str]
) -> Sequence[Mapping[str, Json]]:
    """The interaction `key` behind those that it goes on from, but for what is known."""
    line: list[Mapping[str, Json]] = []
    while key is not None and key in told and key not in known:
        line.insert(0, told[key])
        key = told[key]["after"]
    return line


def _judge(answer: Answer, act: Mapping[str, Json]) -> None:
    match act["kind"]:
        case "up" | "down":
            answer.votes.append((act["kind"], act.get("reason") or ""))
        case "edit" if act.get("content"):
            answer.better = act["content"]
