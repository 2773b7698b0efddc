"""A sweep changes one thing at a time in the recipe as it is."""

from __future__ import annotations

import pytest
from learning.variants import (
    Factor,
    chosen_factors,
    chosen_recipe,
    default_values,
    exact_steps,
    factors,
    variants,
    with_values,
)

from persona.errors import BadInput
from persona.train import Recipe

_DEFAULT = Recipe()


def test_the_default_comes_first_and_nothing_twice() -> None:
    """A variant that is the default under another name is not built again."""
    found, left_out = variants(_DEFAULT, factors(_DEFAULT), {})
    assert _DEFAULT == found[0].recipe
    assert [] == left_out
    recipes = [(each.recipe, each.chained) for each in found]
    assert all(recipe not in recipes[:n] for n, recipe in enumerate(recipes))
    assert ["nights chained"] == [each.name for each in found if each.chained]
    assert len({each.name for each in found}) == len(found)


def test_a_variant_changes_what_it_names() -> None:
    """One field, or the few that belong together."""
    (rates,) = [factor for factor in factors(_DEFAULT) if factor.name == "rate"]
    found, _ = variants(_DEFAULT, [rates], {})
    for variant in found[1:]:
        one = {"schedule.learning_rate": _DEFAULT.schedule.learning_rate}
        assert _DEFAULT == with_values(
            variant.recipe, {**one, "schedule.call_rate": _DEFAULT.schedule.call_rate}
        )


def test_the_small_end_is_rank_one_on_two_layers() -> None:
    """With alpha in proportion, and rates above the default's."""
    (small,) = [factor for factor in factors(_DEFAULT) if factor.name == "small"]
    recipes = [each.recipe for each in variants(_DEFAULT, [small], {})[0][1:]]
    ratio = _DEFAULT.shape.alpha / _DEFAULT.shape.rank
    assert {(1, round(ratio), ("q_proj", "v_proj"))} == {
        (each.shape.rank, each.shape.alpha, each.shape.modules) for each in recipes
    }
    assert max(each.schedule.learning_rate for each in recipes) > _DEFAULT.schedule.learning_rate


def test_a_field_that_the_recipe_has_not_is_named_and_left_out() -> None:
    """The other variants are built."""
    unknown = Factor(name="odd", variants={"on": {"losses.nothing": 1.0}, "off": {"nowhere.at_all": 0}})
    found, left_out = variants(_DEFAULT, [unknown], {})
    assert 1 == len(found)
    assert [
        "odd on: this recipe has no losses.nothing",
        "odd off: this recipe has no nowhere.at_all",
    ] == left_out


def test_factors_are_chosen_whole_or_by_a_variant() -> None:
    """In the order in which they stand; what is not there is refused by name."""
    known = factors(_DEFAULT)
    (rate, rank) = chosen_factors(known, "rank 1,rate,rank 2")
    assert next(each for each in known if each.name == "rate") == rate
    assert ("rank", ["1", "2"]) == (rank.name, list(rank.variants))
    assert tuple(known) == chosen_factors(known, "all")
    for wrong in ("rank 3", "ranks", "1", ""):
        with pytest.raises(BadInput):
            chosen_factors(known, wrong)


def test_steps_can_be_set_for_all() -> None:
    """Exactly so many, in every variant."""
    found, _ = variants(_DEFAULT, factors(_DEFAULT), exact_steps(3))
    assert {(3, 3)} == {(e.recipe.schedule.min_steps, e.recipe.schedule.max_steps) for e in found}
    assert {} == exact_steps(None)


def test_an_unknown_field_is_refused() -> None:
    """Setting it would change nothing."""
    with pytest.raises(KeyError):
        with_values(_DEFAULT, {"schedule.nonsense": 1})


def test_fields_are_set_from_the_command_line() -> None:
    """Numbers and lists as JSON; a name that no recipe has is refused, and so is one without a value."""
    recipe = chosen_recipe(["schedule.epochs=2", 'shape.modules=["q_proj"]', "replay_prompts=8"], 5)
    assert (2, ("q_proj",), 8) == (recipe.schedule.epochs, recipe.shape.modules, recipe.replay_prompts)
    assert 5 == recipe.schedule.max_steps
    for wrong in ("schedule.epoch=2", "epochs", "schedule.epochs=two", "seed.more=1"):
        with pytest.raises(BadInput):
            chosen_recipe([wrong], None)


def test_the_default_is_told_in_what_the_factors_change() -> None:
    """A field that the recipe has not is left out."""
    odd = Factor(name="odd", variants={"on": {"losses.nothing": 1.0, "schedule.epochs": 9}})
    assert {"schedule.epochs": _DEFAULT.schedule.epochs} == default_values(_DEFAULT, [odd])
