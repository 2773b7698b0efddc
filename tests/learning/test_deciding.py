"""What a cell is kept by."""

from dataclasses import replace

from learning.deciding import of_build, of_gate, of_serving
from learning.measuring import BY_ID

from persona.promote import GatePolicy
from persona.train import Recipe
from persona.train.recipe import Schedule

OTHER = Recipe(schedule=Schedule(offer_batch=7), talk_prompts=3)
STRICT = GatePolicy(max_unasked=0.1)


def test_what_is_made_of_calls_decides_only_for_who_wants_some():
    """The cells of everybody else stay what they were."""
    nell, tomas = BY_ID["nell"], BY_ID["tomas"]
    assert of_build(Recipe(), nell) == of_build(OTHER, nell)
    assert of_build(Recipe(), tomas) != of_build(OTHER, tomas)
    assert OTHER.to_json() == of_build(OTHER, tomas)
    assert of_gate(GatePolicy(), nell) == of_gate(STRICT, nell)
    assert of_gate(GatePolicy(), tomas) != of_gate(STRICT, tomas)
    assert not of_serving(nell)
    assert of_serving(tomas)


def test_all_else_decides_for_everybody():
    """A recipe with another seed is another recipe, and a gate that lets more through another gate."""
    for person in BY_ID.values():
        assert of_build(Recipe(), person) != of_build(replace(Recipe(), seed=1), person)
        assert of_gate(GatePolicy(), person) != of_gate(GatePolicy(max_drift=0.9), person)
