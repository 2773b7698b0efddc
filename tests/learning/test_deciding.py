"""What a cell is kept by."""

from dataclasses import replace

import pytest
from learning.deciding import deciding, deciding_served
from learning.measuring import BY_ID

from persona.promote import GatePolicy
from persona.train import Recipe
from persona.train.recipe import Schedule

USUAL = (Recipe(), GatePolicy())
OTHER = (Recipe(schedule=Schedule(offer_batch=7), talk_prompts=3), GatePolicy(max_unasked=0.1))


def test_what_is_made_of_calls_decides_only_for_who_wants_some():
    """The cells of everybody else stay what they were."""
    nell, tomas = BY_ID["nell"], BY_ID["tomas"]
    assert deciding(*USUAL, nell) == deciding(*OTHER, nell)
    assert deciding(*USUAL, tomas) != deciding(*OTHER, tomas)
    assert OTHER[0].to_json() == deciding(*OTHER, tomas)["recipe"]
    assert not deciding_served(nell)
    assert deciding_served(tomas)


@pytest.mark.parametrize(
    "other", [(replace(Recipe(), seed=1), GatePolicy()), (Recipe(), GatePolicy(max_drift=0.9))]
)
def test_all_else_decides_for_everybody(other):
    """A recipe with another seed is another recipe, and a gate that lets more through another gate."""
    for person in BY_ID.values():
        assert deciding(*USUAL, person) != deciding(*other, person)
