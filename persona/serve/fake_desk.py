"""A desk and a door for tests: engines that are given, turns kept in a list, answers from a script."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from persona.engine.protocol import Engine
from persona.errors import BadInput, PersonaError, UnknownModel
from persona.serve.desk import Happening, Json, Lease, ModelCard, Turn, Upstream, Visitor
from store.identity import with_id
from store.records import Feedback, FeedbackKind

MADE = datetime(2026, 11, 1, 21, 4, tzinfo=UTC)


class FakeDesk:
    """A Desk. `engines` are by model id, and the first one is what "persona" names.

    `trouble` is what its methods raise, by name; `beyond` answers for all other models.
    `turns`, `acts` and `asked` hold what came; `leased` and `passed` count what is held now.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        *,
        answers: Mapping[str, Json] | None = None,
        controls: tuple[str, ...] = (),
        identity: str = "me",
    ) -> None:
        self.trouble: dict[str, PersonaError] = {}
        self.turns: list[Turn] = []
        self.missed: list[str] = []
        self.acts: list[tuple[str, Feedback]] = []
        self.asked: list[tuple[str, dict[str, Json]]] = []
        self.leased = 0
        self.passed = 0
        self.beyond: Upstream | None = None
        self._engines = dict(engines)
        self._answers = dict(answers or {})
        self._controls = controls
        self._identity = identity
        self._changed = threading.Condition()
        self._board: list[Happening] = []

    @property
    def identity(self) -> str:
        return self._identity

    def models(self) -> Sequence[ModelCard]:
        self._stumble("models")
        first = next(iter(self._engines.values()))
        cards = {"persona": first, **self._engines}
        return [
            ModelCard(id=name, root=engine.revision, parent="smollm2-135m", created=MADE, context=2048)
            for name, engine in cards.items()
        ]

    @contextmanager
    def lease(self, model: str) -> Iterator[Lease]:
        self._stumble("lease")
        name = next(iter(self._engines)) if model == "persona" else model
        if name not in self._engines:
            raise UnknownModel(model)
        engine = self._engines[name]
        with self._changed:
            self.leased += 1
        try:
            yield Lease(engine=engine, model=name, revision=engine.revision, controls=self._controls)
        finally:
            with self._changed:
                self.leased -= 1

    def upstream(self, model: str) -> Upstream | None:
        return None if model in self._engines or model == "persona" else self.beyond

    @contextmanager
    def passing(self) -> Iterator[None]:
        with self._changed:
            self.passed += 1
        try:
            yield
        finally:
            with self._changed:
                self.passed -= 1

    def keep(self, turn: Turn) -> str:
        self._stumble("keep")
        with self._changed:
            self.turns.append(turn)
            return f"i-{len(self.turns)}"

    def miss(self, why: str) -> None:
        self.missed.append(why)

    def feedback(self, feedback: Feedback, *, source: str) -> Feedback:
        self._stumble("feedback")
        if feedback.kind is not FeedbackKind.PREFERENCE and feedback.interaction is None:
            mine = [n for n, turn in enumerate(self.turns, start=1) if turn.source == source]
            if not mine:
                raise BadInput("there is no answer yet that this could be about")
            feedback = replace(feedback, interaction=f"i-{mine[-1]}")
        kept = with_id(feedback)
        self.acts.append((source, kept))
        return kept

    def ask(self, name: str, arguments: Mapping[str, Json]) -> Json:
        self._stumble("ask")
        self.asked.append((name, dict(arguments)))
        if name not in self._answers:
            raise BadInput(f"no question {name!r}: known are {', '.join(self._answers)}")
        return self._answers[name]

    def happenings(self, *, after: int, wait: float) -> Sequence[Happening]:
        with self._changed:
            after = 0 if after > len(self._board) else after
            self._changed.wait_for(lambda: len(self._board) > after, wait)
            return self._board[after:]

    def happen(self, kind: str, **data: Any) -> None:
        """Something happens, for whoever follows."""
        with self._changed:
            number = len(self._board) + 1
            self._board.append(Happening(number=number, at=MADE, kind=kind, data=data))
            self._changed.notify_all()

    def _stumble(self, what: str) -> None:
        if what in self.trouble:
            raise self.trouble[what]


class FakeDoor:
    """A Door with these tokens. `opens` can be cleared, and then nobody gets past it until it is set."""

    def __init__(self, visitors: Mapping[str, Visitor]) -> None:
        self.opens = threading.Event()
        self.opens.set()
        self._visitors = dict(visitors)

    def admit(self, token: str) -> Visitor | None:
        self.opens.wait(30)
        found = None
        for known, visitor in self._visitors.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                found = visitor
        return found
