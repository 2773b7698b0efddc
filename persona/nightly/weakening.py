"""The same adapter at less strength: what a night tries, once, before it refuses a build that learnt well.

Training restrains a build by what it drifts on replay (persona/train/restraint.py). Harm that only held-out
answers show, as calls that were lost or another preference, is known after the judge, and a weaker adapter
mostly does less of it. After STABLE's rescale-or-reject (arXiv 2510.16089).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from adapters import Build, OperationKind, Registry, Revision, RevisionState, build_key
from adapters.failpoint import reach
from adapters.layout import CONFIG, GGUF, WEIGHTS
from persona.base import Base
from persona.engine.gguf_adapter import write_gguf_adapter
from persona.nightly.costs import Costs
from persona.nightly.night import Night

STRENGTH = 0.7  # halves the divergence from the base, which grows with the square of the scale
_FIELD = "strength"  # of the recipe in the manifest; only a weakened revision has it


def is_weakened(revision: Revision) -> bool:
    return _FIELD in revision.recipe


def weakened_before(night: Night, strong: Revision) -> Revision | None:
    """What an earlier night made of `strong`, if one did."""
    return night.registry.find_build(
        build_key(
            base=strong.base.fingerprint,
            snapshot=strong.snapshot,
            recipe=_recipe(strong),
            seed=strong.seed,
        )
    )


def weaken(night: Night, run: str, strong: Revision, costs: Costs) -> Revision:
    """A candidate with the weights of `strong` and `STRENGTH` of its scale, published unless it is there."""
    known = weakened_before(night, strong)
    if known is not None and night.registry.state(known.id) is RevisionState.CANDIDATE:
        return known
    try:
        with costs.stage("weaken"):
            return _publish(night, run, strong)
    except BaseException:
        night.registry.discard(run)
        raise


def why_weakened(registry: Registry, revision: Revision) -> str:
    """What the one that it was made of was refused for; empty when that is not on record."""
    refused = [
        operation.reason
        for operation in registry.operations()
        if operation.kind is OperationKind.REJECT and operation.revision == revision.parent
    ]
    if not refused:
        return ""
    parent = registry.resolve(revision.parent).ref
    return f"weakened to {STRENGTH * 100:.0f} % of {parent}, of which was said: {refused[-1].split('; ')[0]}"


def write_weaker(strong: Revision, staged: Path, strength: float, base: Base) -> None:
    """The files of `strong` at so much of its scale, into the staging folder. Peft and llama.cpp scale an
    adapter by alpha / rank: so alpha says the strength, and its weights stay what training made."""
    config = json.loads(strong.file(CONFIG).read_bytes())
    config["lora_alpha"] *= strength
    (staged / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True))
    shutil.copyfile(strong.file(WEIGHTS), staged / WEIGHTS)
    if base.gguf is not None:
        write_gguf_adapter(staged, base, staged / GGUF)


def build_of(revision: Revision) -> Build:
    """What it was published with."""
    return Build(**{field.name: getattr(revision, field.name) for field in fields(Build)})


def _publish(night: Night, run: str, strong: Revision) -> Revision:
    registry = night.registry
    registry.discard(run)
    staged = registry.stage(run)
    write_weaker(strong, staged, STRENGTH, night.base)
    reach("night.weaken")
    return registry.publish(
        staged,
        replace(build_of(strong), parent=strong.id, recipe=_recipe(strong), created_at=night.now()),
    )


def _recipe(strong: Revision) -> dict[str, Any]:
    return {**strong.recipe, _FIELD: STRENGTH}
