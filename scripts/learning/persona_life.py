"""The life with persona: a home of one's own, the day imported, and the real night over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from people import Person

from adapters import Registry
from learning.lives import evening, import_day
from learning.mornings import Morning, morning_of
from persona.base import Base
from persona.bridge import live_for
from persona.child import Budget
from persona.nightly import Night, run_night
from persona.paths import Home, make_private
from persona.precedents import precedents_for
from persona.promote import GatePolicy
from persona.train import Recipe
from store import Store
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Run, RunState

_LONGEST = 4 * 3600.0  # seconds
_ENDED = (RunState.PROMOTED, RunState.REJECTED, RunState.NOTHING_TO_LEARN)
IDENTITY = "me"

SERVED = "persona-served"
ARMS = ("persona", "persona-candidate", SERVED)
TOLD = "persona-told"


def make_home(root: Path, base: Base) -> Home:
    """A home for one identity that borrows the base, and the base's own answers; again is harmless."""
    home = Home(root)
    paths = home.identity(IDENTITY)
    make_private(paths.folder)
    make_private(home.bases)
    if not home.base(base.name).is_symlink():
        home.base(base.name).symlink_to(base.path)
    Store.open(paths.store).close()
    Registry.open(paths.adapters)
    return home


def night_in(home: Home, base: Base, store: Store, night: int, recipe: Recipe, policy: GatePolicy) -> Night:
    """The real night, on the clock of the simulated days."""
    return Night(
        home=home,
        identity=IDENTITY,
        store=store,
        registry=Registry.open(home.identity(IDENTITY).adapters, create=False),
        base=base,
        recipe=recipe,
        policy=policy,
        budget=Budget(seconds=_LONGEST),
        now=lambda: evening(night),
    )


@dataclass(frozen=True, kw_only=True)
class PersonaLife:
    """Import, distil, train from the base, judge, promote or not. Three arms see it:

    persona: the champion's weights alone, so what the gate let through. persona-candidate: what the night
    built, whatever the gate said of it. persona-served: what a user meets, the champion with the bridge and
    the precedents.
    On a night that is not in `learns` the day is imported and nothing is built; None is every night.

    `told`: nothing of the day is imported, and what the person wants is said instead, in their statements and
    outside any conversation. Its arm, persona-told, is what persona is otherwise.
    """

    folder: Path
    person: Person
    seed: int
    base: Base
    recipe: Recipe
    policy: GatePolicy
    learns: frozenset[int] | None = None
    told: bool = False

    def live(self, night: int) -> dict[str, Morning]:
        home = make_home(self.folder / "home", self.base)
        with Store.open(home.identity(IDENTITY).store) as store:
            if self.told:
                say_wishes(store, self.person, night)
            else:
                import_day(store, self.person, night, self.seed)
            if self.learns is not None and night not in self.learns:
                return self._mornings(home, store, None)
            run = _run_of(store, night)  # there already where only the diary's page is missing
            if run is None:
                run_night(night_in(home, self.base, store, night, self.recipe, self.policy))
                run = _run_of(store, night)
                assert run is not None
            return self._mornings(home, store, run)

    def _mornings(self, home: Home, store: Store, run: Run | None) -> dict[str, Morning]:
        registry = Registry.open(home.identity(IDENTITY).adapters, create=False)
        champion = registry.resolve("champion")
        built, known = champion, dict[str, Any]()
        if run is not None:
            built = champion if run.revision is None else registry.resolve(run.revision)
            told = (run.report or {}).get("training")
            known = {"training": training_of(run.costs, told), "verdict": _verdict(run)}
        if self.told:
            return {TOLD: morning_of(champion, registry.root, **known)}
        return {
            "persona": morning_of(champion, registry.root, **known),
            "persona-candidate": morning_of(built, registry.root, **known),
            SERVED: morning_of(
                champion,
                registry.root,
                said=live_for(store, champion.id),
                precedents=precedents_for(store, champion.id),
                **known,
            ),
        }


def say_wishes(store: Store, person: Person, night: int) -> None:
    """What begins to hold on this night, as `persona prefer` says it; again changes nothing."""
    for wish in person.in_force(night):
        if wish.since == night:
            said = Feedback(id="", kind=FeedbackKind.PREFERENCE, at=evening(night), content=wish.statement)
            store.feedback.add(with_id(said))


def _run_of(store: Store, night: int) -> Run | None:
    """The run of this evening that came to its end."""
    found = [run for run in store.runs.all() if run.started_at == evening(night) and run.state in _ENDED]
    return found[-1] if found else None


def training_of(costs: Mapping[str, object], told: object) -> dict[str, float]:
    """Seconds of training and of the gate, memory, rows, steps and tokens; what is not known is missing.

    `costs` are a run's by stage, `told` is what its report says of the training, as plain values.
    """
    found = _numbers(costs.get("train"), ("seconds", "cpu_seconds", "peak_bytes"))
    gate = _numbers(costs.get("evaluate"), ("seconds",))
    if gate:
        found["gate_seconds"] = gate["seconds"]
    return found | _numbers(told, ("rows", "pairs", "steps", "tokens"))


def _numbers(plain: object, names: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(plain, Mapping):
        return {}
    return {name: plain[name] for name in names if isinstance(plain.get(name), int | float)}


def _verdict(run: Run) -> dict[str, Any]:
    return {"outcome": str(run.state), "reasons": list(run.reasons)}
