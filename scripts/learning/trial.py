"""The sweep: an adapter from one person's nights by each variant of the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from learning.asking import Asking
from learning.cells import Case, Cell
from learning.chained import chained
from learning.code_state import code_state
from learning.deciding import of_build
from learning.judging import Judge
from learning.kept import key_of
from learning.lives import evening, import_day
from learning.measuring import BY_ID, asked_key, cell_of, taught_key
from learning.mornings import Morning, morning_of
from learning.persona_life import make_home, night_in, training_of
from learning.variants import Variant
from persona.base import Base
from persona.distill import distill
from persona.errors import TrainingError
from persona.nightly.building import find_or_build
from persona.nightly.costs import Costs
from persona.promote import GatePolicy
from persona.train import Recipe
from store import Store


@dataclass(frozen=True, kw_only=True)
class Trial:
    """`variants` by name, which is the arm of a case. The gate has no say here.

    An adapter that was built before is found by its build key and not built again.
    """

    base: Base
    out: Path
    asking: Asking
    variants: Mapping[str, Variant]
    judge: Judge
    code: str

    def key(self, case: Case) -> str:
        """Not by the variant's name, which may change when the default does."""
        chained = {"chained": True} if self.variants[case.arm].chained else {}
        return key_of(
            {
                **chained,
                "base": self.base.fingerprint,
                "sweep": [case.person, case.night, case.seed],
                "taught": taught_key(case.person, case.night, case.seed),
                "recipe": of_build(self._recipe(case), BY_ID[case.person]),
                "asked": asked_key(self.asking, case.person, case.night),
                "asking": self.asking.to_json(),
                "code": self.code,
            }
        )

    def life(self, case: Case) -> str:
        """Each variant has a home of its own, so that several are built at a time."""
        return self._folder(case).name

    def cell(self, case: Case) -> Cell:
        """Measured now. Raises PersonaError."""
        return cell_of(
            case,
            self.key(case),
            self._morning(case),
            person=BY_ID[case.person],
            judge=self.judge,
            code=code_state(),
        )

    def _recipe(self, case: Case) -> Recipe:
        recipe = self.variants[case.arm].recipe
        return replace(recipe, seed=recipe.seed + case.seed)

    def _folder(self, case: Case) -> Path:
        decided_by = {
            "base": self.base.fingerprint,
            "taught": taught_key(case.person, case.night, case.seed),
            "recipe": of_build(self._recipe(case), BY_ID[case.person]),
            "chained": self.variants[case.arm].chained,
            "code": self.code,
        }
        return self.out / "lives" / f"{case.person}-{case.night}-{key_of(decided_by)[:12]}"

    def _morning(self, case: Case) -> Morning:
        person = BY_ID[case.person]
        home = make_home(self._folder(case), self.base)
        recipe = self._recipe(case)
        if self.variants[case.arm].chained:
            return chained(home, self.base, person, recipe, nights=case.night, seed=case.seed)
        costs = Costs()
        with Store.open(home.identity("me").store) as store:
            for night in range(1, case.night + 1):
                import_day(store, person, night, case.seed)
            night_of = night_in(home, self.base, store, case.night, recipe, GatePolicy())
            distilled = distill(store, now=evening(case.night))
            candidate, why_not = find_or_build(night_of, "variant", distilled, costs)
            if candidate is None:
                raise TrainingError(why_not)
            told = None if candidate.training is None else asdict(candidate.training)
            training = training_of(costs.found, told)
            return morning_of(candidate.revision, night_of.registry.root, training=training)
