"""What `doctor` and `fsck` look at. Every check ends, with a finding instead of an error."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import psutil

from persona import __version__
from persona.cli.check import Check, State
from persona.cli.device_checks import device_check
from persona.cli.failure import failure_of

if TYPE_CHECKING:
    from persona.bootstrap import Persona

_PACKAGES = (
    ("xllamacpp", "answers on a CPU"),
    ("torch", "training"),
    ("transformers", "training"),
    ("peft", "training"),
    ("trl", "training"),
    ("bitsandbytes", "training on 4-bit weights"),
)
_LITTLE_MEMORY = 4e9  # bytes; a night on the starter base takes 2 to 3 GB
_LITTLE_DISK = 2e9


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it was written; `kind` is damage, exposed or leftover."""

    part: str
    kind: str
    where: str
    what: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(persona: Persona) -> list[Check]:
    """What persona needs, from the machine to the last night."""
    checks = [
        Check(name="persona", state=State.OK, what=__version__),
        Check(name="python", state=State.OK, what=sys.version.split()[0]),
        sqlite_check(),
        *(_package(name, needed_for) for name, needed_for in _PACKAGES),
        _memory(),
        engine_check(),
    ]
    settings = _attempt("settings", lambda: f"identity {persona.settings.identity.name}")
    checks.append(settings)
    if settings.state is State.FAILURE:
        return checks
    checks += [
        device_check(persona.settings.train.device),
        _disk(persona),
        _attempt("base", lambda: f"{persona.base.name}, {persona.base.architecture}"),
        _attempt("store", lambda: f"{persona.store.interactions.count()} interactions"),
        _attempt("adapters", lambda: f"{len(persona.registry.revisions())} revisions"),
        _attempt("champion", lambda: persona.resolve("champion").ref),
    ]
    if all(check.state is not State.FAILURE for check in checks if check.name in ("store", "adapters")):
        checks.append(_last_night(persona))
    return checks + _nights(persona)


def _nights(persona: Persona) -> list[Check]:
    from persona.cli.night_checks import examine_nights

    return examine_nights(persona)


def _attempt(name: str, what: Callable[[], str]) -> Check:
    """`what` has to work; an expected error is the finding, and says itself what to do."""
    try:
        return Check(name=name, state=State.OK, what=what())
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        return Check(name=name, state=State.FAILURE, what=failure.line)


def _package(name: str, needed_for: str) -> Check:
    try:
        return Check(name=name, state=State.OK, what=version(name))
    except PackageNotFoundError:
        return Check(
            name=name,
            state=State.FAILURE,
            what=f"not installed; needed for {needed_for}",
            advice=f"install persona with all its dependencies, or {name} itself",
        )


def _memory() -> Check:
    total = psutil.virtual_memory().total
    what = f"{total / 1e9:.1f} GB, {psutil.virtual_memory().available / 1e9:.1f} GB of it free"
    if total < _LITTLE_MEMORY:
        return Check(name="memory", state=State.WARNING, what=what, advice="close other programs for a night")
    return Check(name="memory", state=State.OK, what=what)


def sqlite_check(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Check:
    """Its version decides how the store journals, and whether it opens at all."""
    from store.database import OLDEST_SQLITE, journal_mode

    named = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        return Check(
            name="sqlite",
            state=State.FAILURE,
            what=f"{named}; the store needs {oldest}",
            advice="use a Python that was built with a newer SQLite",
        )
    return Check(name="sqlite", state=State.OK, what=f"{named}, journal mode {journal_mode(version)}")


def engine_check(module: str = "xllamacpp") -> Check:
    """Whether llama.cpp can be loaded here: a wheel for another processor or C library only shows then."""
    import_module("persona.engine")  # which says how threads wait, before they are there
    try:
        import_module(module)
    except (ImportError, OSError) as error:
        return Check(
            name="engine",
            state=State.FAILURE,
            what=f"llama.cpp cannot be loaded: {error}",
            advice='install xllamacpp again for this system, or set [serve] engine = "transformers"',
        )
    return Check(name="engine", state=State.OK, what="llama.cpp can be loaded")


def _disk(persona: Persona) -> Check:
    place = persona.home.root if persona.home.root.is_dir() else persona.home.root.anchor
    free = shutil.disk_usage(place).free
    what = f"{free / 1e9:.1f} GB free at {place}"
    if free < _LITTLE_DISK:
        return Check(
            name="disk", state=State.WARNING, what=what, advice="free some space: a night may not fit"
        )
    return Check(name="disk", state=State.OK, what=what)


def _last_night(persona: Persona) -> Check:
    run = persona.store.runs.latest()
    if run is None:
        return Check(
            name="last night", state=State.OK, what="none yet", advice="`persona train --now` runs one"
        )
    bad = run.state in ("failed", "interrupted")
    return Check(
        name="last night",
        state=State.WARNING if bad else State.OK,
        what=f"{run.state}: {'; '.join(run.reasons)}" if run.reasons else str(run.state),
        advice="`persona report` says more" if bad else "",
    )


def problems(persona: Persona, *, deep: bool) -> list[Finding]:
    """Everything that is not as it was written; `deep` hashes every file."""
    found = _exposed(persona)  # first: opening the store makes it private again
    found += [
        Finding(part="store", kind="damage", where=problem.where, what=f"{problem.check}: {problem.what}")
        for problem in persona.store.verify()
    ]
    found += [
        Finding(part="adapters", kind=str(problem.kind), where=str(problem.path), what=problem.what)
        for problem in persona.registry.verify(deep=deep)
    ]
    return found + _base_problems(persona, deep=deep)


def _base_problems(persona: Persona, *, deep: bool) -> list[Finding]:
    from persona.base import verify_base
    from persona.errors import PersonaError

    try:
        base = persona.base
        if deep:
            verify_base(base)
    except PersonaError as error:
        return [Finding(part="base", kind="damage", where=persona.settings.base.name, what=str(error))]
    return []


def _exposed(persona: Persona) -> list[Finding]:
    """Files and folders of the identity that others on this machine may read; the registry checks its own."""
    places = [persona.paths.folder, *persona.paths.folder.glob("store.db*"), persona.home.token]
    return [
        Finding(part="modes", kind="exposed", where=str(place), what="others may read it: chmod go= it")
        for place in places
        if place.exists() and place.stat().st_mode & 0o077
    ]
