"""What a model id stands for now, held for one request; and the swap when another becomes the champion.

An answer never mixes revisions: a lease is one engine, and a swap only changes whom the next lease gets. A
champion that cannot be loaded leaves the one before it in service, and its reason is on record.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import adapters.errors as registry_errors
from adapters import BARE, Bare, Registry, Revision, RevisionState
from persona.engine.protocol import Engine
from persona.errors import PersonaError, UnknownModel
from persona.failure import in_one_tree
from persona.precedents import Precedent
from persona.serve.bridged import BridgedEngine
from persona.serve.desk import Lease, ModelCard
from persona.serve.engines import Answering, Engines
from persona.serve.preceded import PrecededEngine
from store.records import Preference

MODEL = "persona"
_NUMBERED = re.compile(r"r[0-9]{1,9}")
_TRY_AGAIN = 30.0  # seconds until a champion that could not be loaded is tried again

Waiting = Callable[[Answering], tuple[Preference, ...]]
"""The active preferences that a revision's weights do not carry yet."""
Precedents = Callable[[Answering], tuple[Precedent, ...]]
"""Earlier requests that a revision calls better with."""
Tell = Callable[[str, Mapping[str, Any]], None]


class Leases:
    """Thread-safe. `aliases` are the user's own names for model ids of persona's, `context` the tokens that
    every engine has for a prompt and its answer."""

    def __init__(
        self,
        registry: Registry,
        engines: Engines,
        *,
        base_name: str,
        base_made: datetime,
        context: int | None = None,
        controls: tuple[str, ...] = (),
        aliases: Mapping[str, str] | None = None,
        waiting: Waiting = lambda _: (),
        precedents: Precedents = lambda _: (),
        tell: Tell = lambda _kind, _data: None,
    ) -> None:
        self._registry = registry
        self._engines = engines
        self._base = base_name
        self._base_made = base_made
        self._context = context
        self._controls = controls
        self._aliases = dict(aliases or {})
        self._waiting = waiting
        self._precedents = precedents
        self._tell = tell
        self._numbered: dict[str, Revision] = {}
        self._swapping = threading.Lock()
        self._not_loaded: tuple[str, str, float] | None = None  # the champion's id, why, when

    @contextmanager
    def lease(self, model: str) -> Iterator[Lease]:
        """The revision that `model` names now. UnknownModel, EnginesBusy, and what loading it raises."""
        wanted = self._aliases.get(model, model)
        if wanted == MODEL:
            with self._engines.hold_main() as (revision, engine):
                yield self._lease(revision, engine)
            return
        revision = self._resolve(model, wanted)
        with self._engines.hold(revision) as engine:
            yield self._lease(revision, engine)

    def knows(self, model: str) -> bool:
        """Whether the id is persona's to answer for, be there such a revision or not."""
        wanted = self._aliases.get(model, model)
        return wanted == MODEL or wanted.startswith(f"{MODEL}:")

    def models(self) -> list[ModelCard]:
        """The champion's card first, then the base, the newest revision and so on; aliases last."""
        states = self._registry.states()
        revisions = [
            revision
            for revision in self._registry.survey().revisions
            if states[revision.id] is not RevisionState.RETIRED
        ]
        main = self._engines.main or BARE
        cards = [
            self._card(MODEL, main),
            self._card(f"{MODEL}:base", BARE),
            *(self._card(name_of(revision), revision) for revision in reversed(revisions)),
        ]
        known = {card.id: card for card in cards}
        aliases = [
            replace(known[wanted], id=alias) for alias, wanted in self._aliases.items() if wanted in known
        ]
        return [*cards, *aliases]

    def follow(self) -> bool:
        """Put the champion of now in service if another one is; whether that changed who answers.

        Called when the daemon starts, and then again and again. Nothing that is wrong with the champion or
        with the registry leaves as an error: whoever answered goes on.
        """
        with self._swapping:
            try:
                champion = self._registry.champion()
            except registry_errors.RegistryError as error:
                return self._fall_back("the registry", str(error))
            main = self._engines.main
            if main is not None and main.id == champion:
                self._not_loaded = None
                return False
            if self._failed_lately(champion):
                return False
            return self._put_in_service(champion)

    def state(self) -> dict[str, Any]:
        """For `status`: who answers, what is loaded, and why the champion does not answer if it does not."""
        main, failed = self._engines.main, self._not_loaded
        return {
            "serving": None if main is None else {"model": name_of(main), "revision": main.id},
            "not_loaded": None if failed is None else {"revision": failed[0], "why": failed[1]},
            "engines": [
                {"model": name_of(loaded.revision), "answering": loaded.answering}
                for loaded in self._engines.loaded()
            ],
        }

    def _put_in_service(self, champion: str) -> bool:
        before = self._engines.main
        try:
            revision = self._registry.resolve(champion)
            self._engines.make_main(revision)
        except (PersonaError, registry_errors.RegistryError, OSError) as error:
            return self._fall_back(champion, " ".join(str(error).split("\n")))
        self._not_loaded = None
        self._tell(
            "serving",
            {
                "model": name_of(revision),
                "revision": revision.id,
                "before": None if before is None else name_of(before),
            },
        )
        return True

    def _fall_back(self, wanted: str, why: str) -> bool:
        """Whoever answers goes on; at the start, the last champion that can be loaded, at worst the base."""
        if self._not_loaded is None or self._not_loaded[:2] != (wanted, why):
            self._tell("not_loaded", {"revision": wanted, "why": why})
        self._not_loaded = (wanted, why, time.monotonic())
        if self._engines.main is not None:
            return False
        for earlier in self._earlier_champions(but=wanted):
            try:
                self._engines.make_main(earlier)
            except (PersonaError, OSError):
                continue  # the next one; why the champion does not answer is on record
            return True
        self._engines.make_main(BARE)  # when not even this works, nothing can answer: the error leaves
        return True

    def _earlier_champions(self, *, but: str) -> Iterator[Answering]:
        try:
            took_office = [operation.champion_before for operation in self._registry.operations()]
            for earlier in dict.fromkeys(reversed(took_office)):
                if earlier != but and self._registry.state(earlier) is not RevisionState.RETIRED:
                    yield self._registry.resolve(earlier)
        except registry_errors.RegistryError:
            return  # the reason is on record already

    def _failed_lately(self, champion: str) -> bool:
        failed = self._not_loaded
        return failed is not None and failed[0] == champion and time.monotonic() - failed[2] < _TRY_AGAIN

    def _resolve(self, model: str, wanted: str) -> Answering:
        prefix, _, ref = wanted.partition(":")
        if prefix != MODEL or not ref:
            raise UnknownModel(model)
        with in_one_tree():
            try:
                revision = self._named(model, ref)
                if self._registry.state(revision.id) is RevisionState.RETIRED:
                    raise UnknownModel(model, "it is retired")
            except (registry_errors.UnknownRevision, registry_errors.BadReference):
                raise UnknownModel(model) from None
            return revision

    def _named(self, model: str, ref: str) -> Answering:
        if ref == "candidate":
            states = self._registry.states()
            for revision in reversed(self._registry.survey().revisions):
                if states[revision.id] is RevisionState.CANDIDATE:
                    return revision
            raise UnknownModel(model, "no candidate awaits judgement")
        if ref == "prev":
            previous = self._registry.previous()
            if previous is None:
                raise UnknownModel(model, "there is no champion before this one")
            return self._registry.resolve(previous)
        if (
            ref not in self._numbered
        ):  # a number never changes its meaning, and finding it reads every manifest
            found = self._registry.resolve(ref)
            if isinstance(found, Bare) or not _NUMBERED.fullmatch(ref):
                return found
            self._numbered[ref] = found
        return self._numbered[ref]

    def _lease(self, revision: Answering, engine: Engine) -> Lease:
        preferences = self._waiting(revision)
        precedents = self._precedents(revision)
        told = BridgedEngine(engine, preferences) if preferences else engine
        return Lease(
            engine=PrecededEngine(told, precedents) if precedents else told,
            model=name_of(revision),
            revision=revision.id,
            statements=tuple(entry.statement for entry in preferences),
            controls=self._controls,
        )

    def _card(self, name: str, revision: Answering) -> ModelCard:
        made = self._base_made if isinstance(revision, Bare) else revision.created_at
        return ModelCard(
            id=name,
            root=revision.id,
            parent=self._base,
            created=made.astimezone(UTC),
            context=self._context,
        )


def name_of(revision: Answering) -> str:
    """The model id that always means this revision."""
    return f"{MODEL}:base" if isinstance(revision, Bare) else f"{MODEL}:{revision.ref}"
