"""The composition root: one home and its settings, wired to everything that a command may need.

Nothing is opened, imported or loaded before it is asked for, and what was opened is closed by `close`.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from persona.errors import NotInitialised
from persona.lock import home_lock
from persona.paths import Home, IdentityPaths, make_private

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from adapters import Bare, Operation, Registry, Revision
    from persona.base import Base
    from persona.child import IdleSeconds
    from persona.config import Settings
    from persona.engine.protocol import Engine
    from persona.nightly import Night, NightResult, Recovered
    from persona.precedents import Precedent
    from persona.promote import Concern, Votes
    from persona.train import Recipe
    from store import Store
    from store.records import Preference

DEFAULT_IDENTITY = "me"  # as in persona.config
OnProgress = Callable[[Mapping[str, Any]], None]
EngineOpener = Callable[["Persona", "Revision | Bare"], "Engine"]

_LARGEST_FILE = 8 * 10**9  # bytes; an adapter of a large base is a tenth of that
_MEMORY_SHARE = 0.75  # of what the machine has, for a child that was given no budget of its own
_LOCK_PATIENCE = 1.0  # seconds; `status` tries the lock for a moment, which must not make another one fail


def open_engine(persona: Persona, revision: Revision | Bare) -> Engine:
    """The engine that the settings ask for, whose greedy answers repeat: for one user, and for the gate."""
    return _open(persona, revision, parallel=1)


def open_serving_engine(persona: Persona, revision: Revision | Bare) -> Engine:
    """The same for several clients at once."""
    return _open(persona, revision, parallel=persona.settings.serve.parallel)


def _open(persona: Persona, revision: Revision | Bare, *, parallel: int) -> Engine:
    from persona.engine.opener import open_engine as opener  # llama.cpp or torch

    serve = persona.settings.serve
    return opener(
        persona.base,
        revision,
        kind=serve.engine,
        device=serve.device,
        context=serve.context,
        threads=serve.threads,
        parallel=parallel,
    )


def _will_use_cuda(device: str) -> bool:
    """Whether training will run on an NVIDIA card, as far as that can be known without loading torch."""
    if device != "auto":
        return device.startswith("cuda")
    from importlib.metadata import version

    return shutil.which("nvidia-smi") is not None and not version("torch").endswith("+cpu")


@dataclass(frozen=True, kw_only=True)
class Persona:
    """One identity in one home. Not thread-safe, since its store is not: one per thread."""

    home: Home
    environ: Mapping[str, str]
    engine_opener: EngineOpener

    @cached_property
    def settings(self) -> Settings:
        from persona.config import read_settings  # pydantic

        return read_settings(self.home.config, self.environ)

    @property
    def paths(self) -> IdentityPaths:
        return self.home.identity(self.identity)

    @cached_property
    def identity(self) -> str:
        """Whose store and adapters these are. Where nobody says so, no settings are read and checked:
        that is a third of the time that a command about history takes.
        """
        configured = any(name.startswith("PERSONA_IDENTITY") for name in self.environ)
        if configured or self.home.config.exists():
            return self.settings.identity.name
        return DEFAULT_IDENTITY

    @cached_property
    def store(self) -> Store:
        """Raises NotInitialised before `create`."""
        from store import Store  # SQLite

        self._require_identity()
        return Store.open(self.paths.store, create=False)

    @cached_property
    def registry(self) -> Registry:
        """Raises NotInitialised before `create`."""
        from adapters import Registry

        self._require_identity()
        return Registry.open(self.paths.adapters, create=False)

    @cached_property
    def base(self) -> Base:
        """Raises NotInitialised before it is prepared, Damaged, TemplateMismatch."""
        from persona.base import load_base, prepared_bases  # jinja, pydantic

        name = self.settings.base.name
        if name not in prepared_bases(self.home):
            raise NotInitialised(self.home.base(name))
        return load_base(self.home, name)

    def engine(self, revision: Revision | Bare) -> Engine:
        """A new engine with this revision; whoever asks closes it."""
        return self.engine_opener(self, revision)

    def live(self, revision: Revision | Bare) -> tuple[Preference, ...]:
        """What the user prefers and this revision's weights do not carry yet: it goes into the prompt."""
        from persona.bridge import live_for

        return live_for(self.store, revision.id)

    def precedents(self, revision: Revision | Bare) -> tuple[Precedent, ...]:
        """Earlier requests with their calls, which stand before a request like them for this revision."""
        from persona.precedents import precedents_for

        return precedents_for(self.store, revision.id)

    def resolve(self, ref: str) -> Revision | Bare:
        """What "r7", "r0", "champion", an id or its beginning stands for."""
        return self.registry.resolve(ref)

    def night(
        self,
        on_progress: OnProgress,
        *,
        cancel: threading.Event | None = None,
        idle_seconds: IdleSeconds | None = None,
    ) -> NightResult:
        """Run a night now, under the home's lock: Busy while another one runs.

        `idle_seconds` says how long nobody has wanted the machine; the night stands still meanwhile. None: it
        stands still for nobody.
        """
        with self.lock():
            from persona import nightly  # the stages; torch comes in with their children only

            if (gone_back := self.heed_votes()) is not None:
                on_progress({"step": f"went back: {gone_back.reason}", "done": 0})
            return nightly.run_night(self._night(on_progress, cancel, idle_seconds))

    def recover(self) -> Recovered:
        """Put in order what a night left that was cut off; Busy while one runs. A night does it too."""
        with self.lock():
            from persona import nightly

            return nightly.recover(
                runs=self.home.runs, store=self.store, registry=self.registry, now=datetime.now(UTC)
            )

    def concern(self) -> Concern | None:
        """What the votes say about the champion beside the one before it."""
        from persona.promote import WatchPolicy, concern

        return concern(self.registry, self._votes(), WatchPolicy())

    def heed_votes(self) -> Operation | None:
        """Roll back if the votes say so and the settings allow it."""
        from persona.promote import WatchPolicy, heed

        if not self.settings.gate.auto_rollback:
            return None
        gone_back = heed(self.registry, self._votes(), WatchPolicy())
        if gone_back is not None:  # numbers and names of revisions: nothing that anyone wrote
            logging.getLogger(__name__).warning("went back: %s", gone_back.reason)
        return gone_back

    def taken_back(self) -> str:
        """What the votes took back, and why, for as long as no other champion took office; else empty."""
        from persona.promote import taken_back

        done = taken_back(self.registry)
        return (
            "" if done is None else f"{self.resolve(done.champion_before).ref} was taken back: {done.reason}"
        )

    def _votes(self) -> dict[str, Votes]:
        from persona.promote import Votes

        votes = self.store.feedback.votes()
        return {revision: Votes(ups=ups, downs=downs) for revision, (ups, downs) in votes.items()}

    def _night(
        self,
        on_progress: OnProgress,
        cancel: threading.Event | None,
        idle_seconds: IdleSeconds | None,
    ) -> Night:
        import psutil

        from persona.child import Budget, Pause
        from persona.nightly import Night
        from persona.promote import GatePolicy

        train = self.settings.train
        memory = train.memory_gb * 1e9 if train.memory_gb else _MEMORY_SHARE * psutil.virtual_memory().total
        return Night(
            home=self.home,
            identity=self.identity,
            store=self.store,
            registry=self.registry,
            base=self.base,
            recipe=self._recipe(),
            policy=GatePolicy(**self.settings.gate.model_dump(exclude_none=True, exclude={"auto_rollback"})),
            budget=Budget(
                seconds=train.wall_clock_minutes * 60,
                total_seconds=train.total_minutes * 60,
                memory_bytes=int(memory),
                file_bytes=_LARGEST_FILE,
                idle=train.priority == "idle",
            ),
            pause=None
            if idle_seconds is None
            else Pause(
                idle_seconds=idle_seconds,
                quiet_seconds=train.quiet_seconds,
                manner="end" if _will_use_cuda(train.device) else "freeze",
            ),
            engine=self.settings.serve.engine,
            device=train.device,
            threads=train.threads or 0,
            on_progress=on_progress,
            cancel=cancel,
        )

    def _recipe(self) -> Recipe:
        """The default recipe, with the seed and the quantisation that the settings ask for."""
        from persona.train import Recipe

        train = self.settings.train
        recipe = Recipe() if train.seed is None else Recipe(seed=train.seed)
        if train.quantisation == "auto":
            return replace(recipe, quantisation="nf4" if _will_use_cuda(train.device) else "none")
        return replace(recipe, quantisation=train.quantisation)

    def lock(self) -> AbstractContextManager[None]:
        """Held by whatever only one process may do in this home: a night, the preparation of a base."""
        return home_lock(self.home.root, wait=_LOCK_PATIENCE)

    def prepare_base(self, spec: str, on_progress: OnProgress) -> Base:
        """The base that `spec` describes, fetched and converted unless it is there. Imports torch."""
        from persona.base import prepare_base

        return prepare_base(
            self.home,
            spec,
            progress=lambda step, done, total: on_progress({"step": step, "done": done, "total": total}),
        )

    def create(self) -> None:
        """The identity's folder, store and registry, private; what is there stays."""
        from adapters import Registry
        from store import Store

        make_private(self.home.root)
        make_private(self.paths.folder)
        Store.open(self.paths.store).close()
        Registry.open(self.paths.adapters)

    def close(self) -> None:
        """Idempotent."""
        if "store" in self.__dict__:
            self.store.close()

    def _require_identity(self) -> None:
        if not self.paths.folder.is_dir():
            raise NotInitialised(self.paths.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def bootstrap() -> Persona:
    """The home that the environment names, with the real engines."""
    return Persona(home=Home.default(), environ=os.environ, engine_opener=open_engine)
