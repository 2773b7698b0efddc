"""The recipe as a chain: each night goes on with last night's adapter, on the examples that are new since.

What a night would do if it did not build from the bare base. Everything else is the night's own: distilling,
practice, replay and pairs against the base, restraint.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from people import Person

from adapters import Build, Revision, build_key
from adapters.layout import GGUF
from learning.lives import evening, import_day
from learning.mornings import Morning, morning_of
from learning.persona_life import night_in, training_of
from persona.base import Base
from persona.distill import Distilled, distill
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.errors import TrainingError
from persona.nightly import Night
from persona.nightly.costs import Costs
from persona.nightly.tries import Tried
from persona.paths import Home
from persona.promote import GatePolicy
from persona.train import Recipe, TrainingJob, train
from store import Store


def chained(home: Home, base: Base, person: Person, recipe: Recipe, *, nights: int, seed: int) -> Morning:
    """The morning after the last of so many nights. `training` is of all of them together.

    A night that was built before is found by its build key and adds nothing to that. Raises PersonaError.
    """
    before: Revision | None = None
    seen: set[str] = set()
    spent: Counter[str] = Counter()
    with Store.open(home.identity("me").store) as store:
        for n in range(1, nights + 1):
            import_day(store, person, n, seed)
            distilled = distill(store, now=evening(n))
            new = [example for example in distilled.snapshot.train if example not in seen]
            seen.update(new)
            night = night_in(home, base, store, n, recipe, GatePolicy())
            if new:
                before, training = _night(night, n, distilled, new, before)
                peak = max(spent.pop("peak_bytes", 0), training.pop("peak_bytes", 0))
                spent.update({**training, "peak_bytes": peak} if peak else training)
        if before is None:
            raise TrainingError(f"{person.id} shows nothing to learn in {nights} nights")
        return morning_of(before, night.registry.root, training=dict(spent))


def _night(
    night: Night, n: int, distilled: Distilled, new: Sequence[str], before: Revision | None
) -> tuple[Revision, dict[str, float]]:
    registry, base = night.registry, night.base
    recipe = {**night.recipe.to_json(), "after": "r0" if before is None else before.id}
    key = build_key(
        base=base.fingerprint, snapshot=distilled.snapshot.id, recipe=recipe, seed=night.recipe.seed
    )
    if (known := registry.find_build(key)) is not None:
        return known, {}
    name = f"chained-{n}"
    registry.discard(name)
    job = TrainingJob(
        home=night.home.root,
        base=base.name,
        base_fingerprint=base.fingerprint,
        examples=tuple(night.store.examples.get(new)),
        recipe=night.recipe,
        out=registry.stage(name),
        reference=night.home.identity(night.identity).folder / "reference.json",
        preferences=distilled.snapshot.preferences,
        start=None if before is None else before.path,
    )
    with tempfile.TemporaryDirectory(prefix="persona-chained-") as folder:
        done = train(job, folder=Path(folder), budget=night.budget, on_progress=lambda _: None)
    write_gguf_adapter(job.out, base, job.out / GGUF)
    revision = registry.publish(
        job.out,
        Build(
            identity=night.identity,
            parent="r0" if before is None else before.id,
            base=base.ref,
            snapshot=distilled.snapshot.id,
            recipe=recipe,
            seed=night.recipe.seed,
            versions=done.outcome.versions,
            created_at=evening(n),
        ),
    )
    costs = Costs()
    costs.add_child("train", done.usage, Tried(value=done, tries=1, restarts=0, lost_seconds=0.0))
    told = {**asdict(done.outcome), "tokens": done.outcome.trained_tokens}
    return revision, training_of(costs.found, told)
