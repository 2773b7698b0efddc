"""An adapter at less strength: what another way of learning keeps at the drift that is wanted of persona.

Two arms that drift differently say little about which learns better: strength buys adoption. So the scale of
the finished adapter is taken back, as persona does it (persona/train/restraint.py), but on the very prompts
that drift is judged on here, so that it has no more of it than it may.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters import Bare, Registry, Revision
from adapters.revision import BARE_ID
from learning.mornings import Morning, morning_of
from persona.base import Base
from persona.errors import TrainingError
from persona.nightly.weakening import build_of, write_weaker

ALLOWED = 0.03  # nats per token
_ENOUGH, _AIM = 0.9, 0.96  # of ALLOWED
_TRIES = 6


def weakened(strong: Morning, base: Base, drift_of: Callable[[Morning], float | None]) -> Morning:
    """The morning with the same weights at a scale that drifts by ALLOWED at most, and hardly less; as it was
    where it does not drift more. Raises TrainingError where no scale was found.

    Weakened revisions have a registry of their own beside the strong one's: no later night goes on with one.
    """
    drift = drift_of(strong)
    if drift is None or drift <= ALLOWED or strong.adapters is None:
        return strong
    found, scale, power = strong, 1.0, 2.0  # near the base a divergence grows with the square of the scale
    for _ in range(_TRIES):
        if _ENOUGH * ALLOWED <= drift <= ALLOWED:
            break
        before, was = scale, drift
        scale *= (_AIM * ALLOWED / drift) ** (1 / power)
        found = _at(strong, scale, base)
        drift = drift_of(found)
        assert drift is not None, "measured before, and not now"
        power = min(max(math.log(drift / was) / math.log(scale / before), 1.0), 4.0)
    if drift > ALLOWED:
        raise TrainingError(f"{strong.revision} at {scale:.3f} of its scale still drifts by {drift:.3f}")
    return found


def _at(strong: Morning, scale: float, base: Base) -> Morning:
    assert strong.adapters is not None
    revision = Registry.open(strong.adapters, create=False).resolve(strong.revision)
    assert not isinstance(revision, Bare)
    registry = Registry.open(strong.adapters.with_name("weakened"))
    recipe = {**revision.recipe, "scale": round(scale, 6), "of": revision.id}
    known = [each for each in registry.revisions() if each.recipe == recipe]
    weak = known[0] if known else _published(registry, revision, recipe, base)
    return morning_of(weak, registry.root, training=strong.training)


def _published(registry: Registry, strong: Revision, recipe: dict[str, Any], base: Base) -> Revision:
    registry.discard("weakened")
    staged = registry.stage("weakened")
    write_weaker(strong, staged, recipe["scale"], base)
    return registry.publish(staged, replace(build_of(strong), parent=BARE_ID, recipe=recipe))
