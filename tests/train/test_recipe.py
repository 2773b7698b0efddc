"""Recipes: one JSON form, nothing unknown."""

import pytest

from persona.errors import BadInput
from persona.train import LoraShape, Losses, Recipe, Schedule


def test_a_recipe_survives_its_json():
    """Reading back what was written gives an equal recipe."""
    recipe = Recipe(
        shape=LoraShape(rank=1, modules=("q_proj",)),
        losses=Losses(beta=0.3),
        schedule=Schedule(epochs=1.5),
        quantisation="nf4",
        seed=3,
    )
    assert recipe == Recipe.from_json(recipe.to_json())


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        ({"lr": 1}, "'lr'"),
        ({"schedule": {"learning_rat": 1}}, "'learning_rat'"),
        ({"shape": {"r": 8}}, "'r'"),
    ],
)
def test_an_unknown_key_is_refused_by_name(plain, named):
    """A typo would otherwise train something else than what was asked for."""
    with pytest.raises(BadInput, match=named):
        Recipe.from_json(plain)


def test_missing_keys_are_the_defaults():
    """An older manifest reads as the recipe that its missing parts meant."""
    assert Recipe(seed=5) == Recipe.from_json({"seed": 5})


@pytest.mark.parametrize(("calls", "rate"), [(0.0, 1e-3), (0.3, 1e-3), (0.95, 4e-3), (1.0, 4e-3)])
def test_calls_have_a_rate_of_their_own_where_there_is_little_else(calls, rate):
    """A mixed week is trained as prose is, which would drift too much otherwise."""
    assert rate == Schedule(learning_rate=1e-3, call_rate=4e-3).rate(calls)
