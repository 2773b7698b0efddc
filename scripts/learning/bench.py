"""The comparison of arms: what decides each cell, and how it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from people import NIGHTS

from learning.asking import Asking
from learning.cells import Case, Cell
from learning.chain_recipe import chain_recipe, chain_steps
from learning.code_state import code_state
from learning.deciding import of_build, of_gate, of_serving
from learning.judging import Judge
from learning.kept import key_of
from learning.lives import BareLife, ChainLife, PromptLife
from learning.measuring import BY_ID, asked_key, cell_of, taught_key
from learning.mornings import Life, Morning, lived
from learning.persona_life import ARMS as PERSONA_ARMS
from learning.persona_life import SERVED, TOLD, PersonaLife
from learning.weakened import ALLOWED, weakened
from persona.base import Base
from persona.promote import GatePolicy
from persona.train import Recipe

WEAKENED = "sft-weakened"
ARMS = ("base", "prompt", "sft-chain", WEAKENED, "dpo-chain", *PERSONA_ARMS, TOLD)
USUAL = tuple(arm for arm in ARMS if arm not in (WEAKENED, TOLD))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """`code` goes into every key; "" lets other states of the code count. `learns`: see PersonaLife."""

    base: Base
    out: Path
    asking: Asking
    recipe: Recipe
    judge: Judge
    code: str
    policy: GatePolicy = field(default_factory=GatePolicy)
    learns: frozenset[int] | None = None

    def key(self, case: Case) -> str:
        """Equal for equal bases, persons, nights, seeds, recipes, lessons and questions."""
        taught = "" if case.arm == "base" else taught_key(case.person, case.night, case.seed)
        served = of_serving(BY_ID[case.person]) if case.arm == SERVED else {}
        return key_of(
            {
                "base": self.base.fingerprint,
                "case": asdict(case),
                "taught": taught,
                "how": {**self._how(case), **served},
                "asked": asked_key(self.asking, case.person, case.night),
                "asking": self.asking.to_json(),
                "code": self.code,
            }
        )

    def life(self, case: Case) -> str:
        """All nights of a person with one way of learning."""
        return self._folder(case).name

    def cell(self, case: Case) -> Cell:
        """Measured now; the nights before it are lived first. Raises PersonaError."""
        return cell_of(
            case,
            self.key(case),
            self.morning(case),
            person=BY_ID[case.person],
            judge=self.judge,
            code=code_state(),
        )

    def morning(self, case: Case) -> Morning:
        """Who answers after the case's night; it and those before it are lived first. Raises PersonaError."""
        learnt = _learnt_by(case)
        found = lived(self._life(learnt), case.night)[learnt.arm]
        return weakened(found, self.base, self.judge.drift) if case.arm == WEAKENED else found

    def _life(self, case: Case) -> Life:
        person, folder = BY_ID[case.person], self._folder(case)
        if case.arm == "base":
            return BareLife(folder=folder)
        if case.arm == "prompt":
            return PromptLife(folder=folder, person=person, seed=case.seed)
        if case.arm in (*PERSONA_ARMS, TOLD):
            return PersonaLife(
                folder=folder,
                person=person,
                seed=case.seed,
                base=self.base,
                recipe=self._recipe(case),
                policy=self.policy,
                learns=self.learns,
                told=case.arm == TOLD,
            )
        return ChainLife(
            folder=folder,
            person=person,
            seed=case.seed,
            base=self.base,
            trainer="dpo" if case.arm == "dpo-chain" else "sft",
            recipe=self._recipe(case),
            arm=case.arm,
        )

    def _folder(self, case: Case) -> Path:
        case = _learnt_by(case)
        name = "persona" if case.arm in PERSONA_ARMS else case.arm
        decided_by = {
            "base": self.base.fingerprint,
            "person": case.person,
            "seed": case.seed,
            "taught": taught_key(case.person, NIGHTS, case.seed),
            "how": self._how(case),
            "code": self.code,
        }
        return self.out / "lives" / f"{case.person}-{name}-{key_of(decided_by)[:12]}"

    def _recipe(self, case: Case) -> Recipe:
        return replace(self.recipe, seed=self.recipe.seed + case.seed)

    def _how(self, case: Case) -> Mapping[str, Any]:
        """What the arm learns with."""
        if case.arm == WEAKENED:
            return {**self._how(_learnt_by(case)), "drift": ALLOWED}
        recipe = self._recipe(case)
        if case.arm in (*PERSONA_ARMS, TOLD):
            learns = "all" if self.learns is None else sorted(self.learns)
            return {
                "recipe": of_build(recipe, BY_ID[case.person]),
                "policy": of_gate(self.policy, BY_ID[case.person]),
                "learns": learns,
            }
        if case.arm in ("sft-chain", "dpo-chain"):
            trainer = chain_recipe("dpo" if case.arm == "dpo-chain" else "sft", recipe)
            return {**trainer.to_json(), "steps": [chain_steps(rows, recipe) for rows in range(1, 41)]}
        return {}


def _learnt_by(case: Case) -> Case:
    """The case whose adapter answers: what is weakened was learnt by the chain of SFT."""
    return replace(case, arm="sft-chain") if case.arm == WEAKENED else case
