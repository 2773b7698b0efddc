"""What of a recipe decides somebody's build: a cell is kept by that, and by nothing else of it."""

from __future__ import annotations

from typing import Any

from people import Person

from persona.train import Recipe


def deciding(recipe: Recipe, person: Person) -> dict[str, Any]:
    """Without what is made of calls where the person wants none: cells are kept by a hash of this, and those
    from before there was any have none."""
    plain = recipe.to_json()
    if not any(each.call for each in person.held_out(1)):
        del plain["schedule"]["offer_batch"]
        del plain["talk_prompts"]
    return plain
