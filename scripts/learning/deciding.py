"""What decides somebody's build and judgement: a cell is kept by that, and by nothing else that is set.

What is made of calls decides only for people who want some, and cells from before there was any have none of
it: everybody else's stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from people import Person

from persona.precedents import AT_ONCE, SURE
from persona.promote import GatePolicy
from persona.train import Recipe


def of_build(recipe: Recipe, person: Person) -> Mapping[str, Any]:
    """What decides a build: plain values, to be hashed."""
    plain = recipe.to_json()
    if not _wants_calls(person):
        del plain["schedule"]["offer_batch"]
        del plain["talk_prompts"]
    return plain


def of_gate(policy: GatePolicy, person: Person) -> Mapping[str, Any]:
    """What decides whether a build is let through."""
    plain = asdict(policy)
    if not _wants_calls(person):
        del plain["max_unasked"]
    return plain


def of_serving(person: Person) -> Mapping[str, Any]:
    """What decides, besides, how a revision answers as it is served."""
    return {"precedents": [AT_ONCE, SURE]} if _wants_calls(person) else {}


def _wants_calls(person: Person) -> bool:
    return any(each.call for each in person.held_out(1))
