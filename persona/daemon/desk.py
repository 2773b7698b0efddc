"""One identity at work: its engines, its capture, its nights and what it says of itself, behind one Desk."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from persona.answers.asking import ask
from persona.bootstrap import Persona
from persona.capture.writer import Writer
from persona.daemon.board import Board
from persona.daemon.nights import Nights
from persona.daemon.waiting import WaitingPreferences
from persona.distill import revise_ledger
from persona.errors import BadInput, PersonaError
from persona.failure import in_one_tree
from persona.schedule.probes import OwnTraffic
from persona.serve.beyond import Beyond
from persona.serve.desk import Happening, Json, Lease, ModelCard, Turn, Upstream
from persona.serve.engines import Engines
from persona.serve.leases import Leases
from store.records import Feedback, FeedbackKind

_VOTES = frozenset({FeedbackKind.UP, FeedbackKind.DOWN})
_CHANGES_CHAMPION = frozenset({"promote", "rollback", "forget"})
_CHANGES_LEDGER = frozenset({"prefer", "preferences", "habits", "forget"})

_log = logging.getLogger(__name__)


class LocalDesk:
    """A Desk on this machine. Opening it loads the champion; whoever opens it closes it.

    `open_persona` gives a Persona of this identity: each thread that needs a store opens one of its own.
    """

    def __init__(self, open_persona: Callable[[], Persona], *, traffic: OwnTraffic | None = None) -> None:
        """`traffic` hears of every answer while it lasts, and of whoever judges one: nights make way."""
        self._traffic = traffic or OwnTraffic()
        self._open_persona = open_persona
        self.board = Board()
        with in_one_tree(), open_persona() as persona:
            settings, registry = persona.settings.serve, persona.registry
            self._identity = persona.identity
            self._beyond = Beyond.of(persona.settings.upstream, persona.environ)
            self._waiting = WaitingPreferences(persona.paths.store)
            self._writer = Writer(persona.paths.store)
            try:
                self._engines = Engines(persona.engine, limit=settings.engines)
                self._leases = Leases(
                    registry,
                    self._engines,
                    base_name=persona.base.name,
                    base_made=datetime.fromtimestamp(persona.base.path.stat().st_mtime, UTC),
                    context=persona.base.served_context(settings.context),
                    controls=persona.base.template.control_tokens,
                    aliases=settings.aliases,
                    waiting=self._waiting,
                    precedents=self._waiting.precedents,
                    tell=self._tell,
                )
                self._leases.follow()
            except BaseException:
                self._writer.close()
                raise
        self._nights = Nights(
            open_persona,
            tell=self.board.tell,
            traffic=self._traffic,
            leased=self._leased,
        )

    @property
    def identity(self) -> str:
        return self._identity

    def models(self) -> Sequence[ModelCard]:
        with in_one_tree():
            cards = self._leases.models()
        if self._beyond is None:
            return cards
        made, url = cards[-1].created, self._beyond.upstream.url
        theirs = [
            ModelCard(id=name, root=name, parent=url, created=made)
            for name in self._beyond.models()
            if not self._leases.knows(name)
        ]
        return [*cards, *theirs]

    @contextmanager
    def lease(self, model: str) -> Iterator[Lease]:
        with self._traffic.under_way(), self._leases.lease(model) as lease:
            yield lease

    def passing(self) -> AbstractContextManager[None]:
        return self._traffic.under_way()

    def upstream(self, model: str) -> Upstream | None:
        if self._beyond is None or self._leases.knows(model) or not self._beyond.answers_for(model):
            return None
        return self._beyond.upstream

    def keep(self, turn: Turn) -> str:
        return self._writer.keep(
            prompt=turn.prompt.messages,
            completion=turn.completion.message,
            tools=turn.prompt.tools,
            source=turn.source,
            revision=turn.revision,
            conversation=turn.conversation,
        )

    def miss(self, why: str) -> None:
        self._writer.miss(why)

    def feedback(self, feedback: Feedback, *, source: str) -> Feedback:
        self._traffic.touch()
        kept = self._writer.act(feedback, source=source)
        if kept.kind is FeedbackKind.PREFERENCE:
            with in_one_tree(), self._open_persona() as persona:
                revise_ledger(persona.store, infer=False)  # what takes statistics is for the night
            self._waiting.refresh(now=True)
        if kept.kind in _VOTES:
            self._heed_votes()
        return kept

    def ask(self, name: str, arguments: Mapping[str, Json]) -> Json:
        if name == "train":
            if arguments:
                raise BadInput("train takes no arguments")
            return self._nights.ask()
        if name == "gc":  # what is loaded stays
            arguments = {**arguments, "leased": self._leased()}
        with self._open_persona() as persona:
            answer = ask(persona, name, arguments)
        if name == "status":
            answer["daemon"] = self.state()
        if name in _CHANGES_CHAMPION:
            self._leases.follow()
        if name in _CHANGES_LEDGER:
            self._waiting.refresh(now=True)
        return answer

    def _leased(self) -> list[str]:
        return [loaded.revision.id for loaded in self._engines.loaded()]

    def _heed_votes(self) -> None:
        """The vote that was cast is kept, whatever comes of this."""
        try:
            with in_one_tree(), self._open_persona() as persona:
                gone_back = persona.heed_votes()
        except PersonaError as error:
            _log.warning("the votes were not heeded: %s", error)
            return
        if gone_back is not None:
            self._leases.follow()

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """To clients that listen; what is amiss also to whoever reads the log."""
        self.board.tell(kind, data)
        if kind == "not_loaded":
            _log.warning("%s cannot be served: %s", data["revision"], data["why"])

    def happenings(self, *, after: int, wait: float) -> Sequence[Happening]:
        return self.board.after(after, wait=wait)

    def state(self) -> dict[str, Any]:
        """What only the running daemon knows."""
        return {
            "pid": os.getpid(),
            **self._leases.state(),
            "capture": self._writer.state(),
            "night": self._nights.state(),
        }

    def look(self) -> None:
        """Follow the champion and the ledger, and close what nobody uses; called several times a second."""
        self._leases.follow()
        self._engines.sweep()
        self._waiting.refresh()

    def let_nights_come(self) -> None:
        """Whenever the schedule says so, until the desk closes."""
        self._nights.come_by_themselves()

    def close(self, *, wait: float = 0.0) -> None:
        """Let the answers that run end, up to `wait` seconds, then keep what is to be kept, and close."""
        self._nights.close()
        self._engines.close(wait=wait)
        self._writer.close()
