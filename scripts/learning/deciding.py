"""What decides somebody's build and judgement: a cell is kept by that, and by nothing else that is set.

What is made of calls decides only for people who want some, and cells from before there was any have none of
it: everybody else's stay what they were.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from people import Person

from persona.precedents import AT_ONCE, SURE
from persona.promote import GatePolicy
from persona.train import Recipe


def deciding(recipe: Recipe, policy: GatePolicy, person: Person) -> dict[str, Any]:
    """Plain values, to be hashed."""
    of_build, of_gate = recipe.to_json(), asdict(policy)
    if not _wants_calls(person):
        del of_build["schedule"]["offer_batch"]
        del of_build["talk_prompts"]
        del of_gate["max_unasked"]
    return {"recipe": of_build, "policy": of_gate}


def deciding_served(person: Person) -> dict[str, Any]:
    """What decides, besides, how somebody's revision answers as it is served."""
    return {"precedents": [AT_ONCE, SURE]} if _wants_calls(person) else {}


def _wants_calls(person: Person) -> bool:
    return any(each.call for each in person.held_out(1))
