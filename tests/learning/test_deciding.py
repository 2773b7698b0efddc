"""What of a recipe a cell is kept by."""

from dataclasses import replace

from learning.deciding import deciding
from learning.measuring import BY_ID

from persona.train import Recipe
from persona.train.recipe import Schedule

OTHER = Recipe(schedule=Schedule(offer_batch=7), talk_prompts=3)


def test_what_is_made_of_calls_decides_only_for_who_wants_some():
    """The cells of everybody else stay what they were."""
    assert deciding(Recipe(), BY_ID["nell"]) == deciding(OTHER, BY_ID["nell"])
    assert deciding(Recipe(), BY_ID["tomas"]) != deciding(OTHER, BY_ID["tomas"])
    assert OTHER.to_json() == deciding(OTHER, BY_ID["tomas"])


def test_all_else_decides_for_everybody():
    """A recipe with another seed is another recipe."""
    for person in BY_ID.values():
        assert deciding(Recipe(), person) != deciding(replace(Recipe(), seed=1), person)
