"""Lives without persona's nights: the bare base, preferences in the prompt, and the two chains of trl."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from people import Person
from people.evening import FIRST_DAY

from adapters import BARE, Bare, Build, Registry, Revision
from adapters.layout import CONFIG, GGUF, WEIGHTS
from learning.chain_recipe import ChainRecipe, Trainer, chain_recipe, chain_steps
from learning.days import demonstrations, pairs, shown
from learning.mornings import Morning, morning_of
from persona.base import Base
from persona.bridge import live
from persona.capture.interchange import import_file
from persona.child import Budget, ChildResult, run_child
from persona.distill import revise_ledger
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.errors import TrainingError
from persona.train import Recipe
from store import Store

_LONGEST = 4 * 3600.0  # seconds; a night of measurements that hangs has to end


def evening(night: int) -> datetime:
    """When the day before this night is over."""
    return (FIRST_DAY + timedelta(days=night - 1)).replace(hour=23, tzinfo=UTC)


def import_day(store: Store, person: Person, night: int, seed: int) -> None:
    """The day's conversations into the store; again changes nothing."""
    import_talks(store, person.teaching(night, seed))


def import_talks(store: Store, talks: Iterable[Mapping[str, Any]]) -> None:
    """As `persona import` does it. Raises ValueError for a conversation that does not go in."""
    with tempfile.TemporaryDirectory(prefix="persona-day-") as scratch:
        file = Path(scratch) / "day.jsonl"
        lines = (json.dumps(talk, ensure_ascii=False) + "\n" for talk in talks)
        file.write_text("".join(lines), encoding="utf-8")
        report = import_file(store, file)
    if report.skipped:
        raise ValueError(str(report.skipped[0]))


@dataclass(frozen=True, kw_only=True)
class BareLife:
    """Nothing is learned."""

    folder: Path

    def live(self, night: int) -> dict[str, Morning]:  # noqa: ARG002
        return {"base": Morning()}


@dataclass(frozen=True, kw_only=True)
class PromptLife:
    """What the ledger holds goes into the system prompt, as the bridge does it for a base without adapter."""

    folder: Path
    person: Person
    seed: int

    def live(self, night: int) -> dict[str, Morning]:
        with Store.open(self.folder / "store.db") as store:
            import_day(store, self.person, night, self.seed)
            revise_ledger(store)
            said = live(store.ledger.active(), None)
        return {"prompt": Morning(said=said)}


@dataclass(frozen=True, kw_only=True)
class ChainLife:
    """Every night trl goes on with last night's adapter, on what this day showed and nothing else."""

    folder: Path
    person: Person
    seed: int
    base: Base
    trainer: Trainer
    recipe: Recipe
    arm: str

    def live(self, night: int) -> dict[str, Morning]:
        registry = Registry.open(self.folder / "adapters")
        before = _before(registry, night)
        rows = self._rows(night)
        if not rows:  # a day without an act that trl can use changes nothing
            return {self.arm: morning_of(before, registry.root)}
        name = f"night-{night}"
        registry.discard(name)
        staged = registry.stage(name)
        recipe = chain_recipe(self.trainer, self.recipe)
        done = self._trained(recipe, rows, before, staged)
        if {CONFIG, WEIGHTS} - {file.name for file in staged.iterdir()}:
            raise TrainingError(f"{self.arm}: trl left no adapter")
        write_gguf_adapter(staged, self.base, staged / GGUF)
        revision = registry.publish(staged, self._build(recipe, before, night))
        training = {
            "seconds": round(done.usage.seconds, 1),
            "cpu_seconds": round(done.usage.cpu_seconds, 1),
            "peak_bytes": done.usage.peak_bytes,
            "rows": len(rows),
            **{name: float(value) for name, value in done.result.items()},
        }
        return {self.arm: morning_of(revision, registry.root, training=training)}

    def _rows(self, night: int) -> list[dict[str, str]]:
        day = list(shown(self.person.teaching(night, self.seed)))
        return (pairs if self.trainer == "dpo" else demonstrations)(day, self.base.template)

    def _trained(
        self, recipe: ChainRecipe, rows: list[dict[str, str]], before: Revision | Bare, out: Path
    ) -> ChildResult:
        job: Mapping[str, Any] = {
            "recipe": recipe.to_json(),
            "weights": str(self.base.weights),
            "eos": self.base.eos,
            "rows": rows,
            "start": None if isinstance(before, Bare) else str(before.path),
            "steps": chain_steps(len(rows), self.recipe),
            "out": str(out),
        }
        with tempfile.TemporaryDirectory(prefix="persona-chain-") as folder:
            return run_child(
                "learning.chain_child",
                job,
                folder=Path(folder),
                stage="train",
                budget=Budget(seconds=_LONGEST),
                on_progress=lambda _: None,
            )

    def _build(self, recipe: ChainRecipe, before: Revision | Bare, night: int) -> Build:
        return Build(
            identity=self.person.id,
            parent=before.id,
            base=self.base.ref,
            snapshot=f"night-{night}",
            recipe=recipe.to_json(),
            seed=recipe.seed,
            versions={},
            created_at=evening(night),
        )


def _before(registry: Registry, night: int) -> Revision | Bare:
    """What the last night left: by its evening, as a night that was cut off may have left one more."""
    earlier = [each for each in registry.revisions() if each.created_at < evening(night)]
    return earlier[-1] if earlier else BARE
