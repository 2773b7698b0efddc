"""A cell is found again by all that decides it, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from learning.asking import Asking
from learning.bench import ARMS, Bench
from learning.code_state import meaning_of
from learning.persona_life import SERVED
from learning.trial import Trial
from learning.variants import Variant, exact_steps, with_values
from learning_parts import case

from persona.train import Recipe


def _bench(**more: Any) -> Bench:
    values: dict[str, Any] = {
        "base": SimpleNamespace(fingerprint="f-1"),
        "out": Path("nowhere"),
        "asking": Asking(prompts=2),
        "recipe": Recipe(),
        "judge": None,
        "code": "",
    }
    return Bench(**{**values, **more})


def test_everything_that_decides_a_cell_is_in_its_key() -> None:
    """Base, arm, person, night, seed, recipe, prompts, and how they are asked."""
    bench, of = _bench(), case("persona")
    others = [
        _bench(base=SimpleNamespace(fingerprint="f-2")).key(of),
        _bench(recipe=with_values(Recipe(), exact_steps(3))).key(of),
        _bench(asking=Asking(prompts=3)).key(of),
        _bench(asking=Asking(prompts=2, tokens=64)).key(of),
        _bench(asking=Asking(prompts=2, beside=16)).key(of),
        _bench(code="abc").key(of),
        _bench(learns=frozenset({7})).key(of),
        *(bench.key(case(arm)) for arm in ARMS if arm != "persona"),
        bench.key(replace(of, person="otto")),
        bench.key(replace(of, night=2)),
        bench.key(replace(of, seed=1)),
    ]
    assert len(others) == len({bench.key(of), *others}) - 1
    assert bench.key(of) == _bench().key(of)


def test_precedents_decide_what_is_served_to_who_wants_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of anybody else, nor of the weights."""
    of = [case(arm, person) for arm in ("persona", SERVED) for person in ("tomas", "nell")]
    before = [_bench().key(each) for each in of]
    monkeypatch.setattr("learning.deciding.AT_ONCE", 3)
    changed = [each for each, key in zip(of, before, strict=True) if _bench().key(each) != key]
    assert [case(SERVED, "tomas")] == changed


def test_a_trial_is_kept_by_its_recipe() -> None:
    """By what the variant does, and not by its name; one for whom calls decide by those too."""
    other = replace(Recipe(), schedule=replace(Recipe().schedule, offer_batch=7))
    recipes = {"a": Recipe(), "b": Recipe(), "c": other}
    variants = {name: Variant(name=name, recipe=recipe) for name, recipe in recipes.items()}
    trial = Trial(
        base=SimpleNamespace(fingerprint="f-1"),  # type: ignore[arg-type]
        out=Path("nowhere"),
        asking=Asking(prompts=2),
        variants=variants,
        judge=None,  # type: ignore[arg-type]
        code="",
    )
    for person, kinds in (("nell", 1), ("tomas", 2)):
        of = [case(arm, person) for arm in variants]
        assert kinds == len({trial.key(each) for each in of}) == len({trial.life(each) for each in of})


def test_a_recipe_decides_only_what_learns_with_it() -> None:
    """Neither the base nor the prompt; the chains by their steps."""
    other = _bench(recipe=with_values(Recipe(), exact_steps(3)))
    assert [arm for arm in ARMS if other.key(case(arm)) == _bench().key(case(arm))] == ["base", "prompt"]


def test_comments_and_form_are_no_code() -> None:
    """What a reader alone sees changes no figure."""
    plain = "def f(a):\n    return a + 1\n"
    told = 'def f(a):\n    """Adds."""\n    return (a  + 1)  # one\n'
    assert meaning_of(plain) == meaning_of(told)
    assert meaning_of(plain) != meaning_of(plain.replace("1", "2"))
