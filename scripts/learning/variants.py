"""The recipes of a sweep: the default, and one thing at a time changed in it; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from persona.errors import BadInput
from persona.train import Recipe

Values = Mapping[str, Any]
"""Fields of a recipe by dotted name ("schedule.epochs") -> JSON values."""

DEFAULT = "default"
_QV = ("q_proj", "v_proj")
_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_ALL = (*_ATTENTION, "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """`variants` by what they are called. `besides` is set with each, where it would not show otherwise.
    `chained`: every night goes on with the adapter of the night before; see learning.chained."""

    name: str
    variants: Mapping[str, Values]
    besides: Values = field(default_factory=dict)
    chained: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    name: str
    recipe: Recipe
    chained: bool = False


def factors(default: Recipe) -> tuple[Factor, ...]:
    """What is tried. Alpha follows the rank, as in the default, so that a rank is no rate in disguise, and
    the rate of calls that of prose."""
    ratio = default.shape.alpha / default.shape.rank

    def ranked(rank: int) -> Values:
        return {"shape.rank": rank, "shape.alpha": max(1, round(ratio * rank))}

    def each(path: str, *values: float) -> dict[str, Values]:
        return {f"{value:g}": {path: value} for value in values}

    def rated(rate: float) -> Values:
        of_calls = default.schedule.call_rate / default.schedule.learning_rate
        return {"schedule.learning_rate": rate, "schedule.call_rate": rate * of_calls}

    return (
        Factor(name="rate", variants={f"{rate:g}": rated(rate) for rate in (2e-4, 5e-4, 1e-3, 2e-3, 4e-3)}),
        Factor(name="call rate", variants=each("schedule.call_rate", 1e-3, 2e-3, 4e-3)),
        # Few rows would be stretched to the least number of steps, and all epochs be the same.
        Factor(
            name="epochs", variants=each("schedule.epochs", 1.0, 3.0, 6.0), besides={"schedule.min_steps": 1}
        ),
        Factor(name="rank", variants={f"{rank}": ranked(rank) for rank in (1, 2, 4, 8, 16)}),
        Factor(
            name="modules",
            variants={
                "q v": {"shape.modules": list(_QV)},
                "attention": {"shape.modules": list(_ATTENTION)},
                "all": {"shape.modules": list(_ALL)},
            },
        ),
        Factor(name="untouched", variants=each("shape.untouched", 0.0, 0.34, 0.5, 0.67)),
        Factor(name="calls", variants=each("schedule.call_batch", 1, 4, 8)),
        Factor(name="offers", variants=each("schedule.offer_batch", 0, 1, 2)),
        Factor(name="call weight", variants=each("losses.call", 0.3, 1.0, 3.0)),
        Factor(
            name="small",
            variants={
                f"rank 1 on q v at {rate:g}": {
                    **ranked(1), **rated(rate), "shape.modules": list(_QV)
                }
                for rate in (1e-3, 3e-3, 1e-2, 2e-2)
            },
        ),
        Factor(name="replay rows", variants=each("schedule.replay_batch", 0, 2, 4, 8)),
        Factor(name="replay weight", variants=each("losses.replay", 0.0, 0.5, 1.0, 2.0, 4.0)),
        Factor(name="practice rows", variants=each("schedule.practice_batch", 0, 2, 4, 8)),
        Factor(name="practice weight", variants=each("losses.practice", 0.0, 0.5, 1.0, 2.0)),
        Factor(name="written weight", variants=each("losses.written", 0.0, 0.3, 1.0)),
        Factor(name="first token", variants=each("losses.first", 1.0, 8.0)),
        Factor(name="preference", variants=each("losses.preference", 0.0, 0.1, 1.0)),
        Factor(name="restraint rows", variants=each("restraint.rows", 0, 24)),
        Factor(name="nights", variants={"chained": {}}, chained=True),
    )  # fmt: skip


def chosen_factors(known: Sequence[Factor], asked: str) -> tuple[Factor, ...]:
    """ "rate,rank 1": the rate with all its variants, of the rank this one; "all": all. Raises BadInput."""
    if asked.strip() == "all":
        return tuple(known)
    found: dict[str, Factor] = {}
    for part in (each.strip() for each in asked.split(",")):
        for factor in known:
            label = part.removeprefix(f"{factor.name} ")
            if part == factor.name:
                found[factor.name] = factor
            elif label in factor.variants and label != part:
                before = found.get(factor.name, replace(factor, variants={})).variants
                found[factor.name] = replace(factor, variants={**before, label: factor.variants[label]})
            else:
                continue
            break
        else:
            names = ", ".join(each.name for each in known)
            raise BadInput(f"{part!r} is not there: {names}, or a variant of one (rank 1)")
    return tuple(found[factor.name] for factor in known if factor.name in found)


def variants(default: Recipe, chosen: Sequence[Factor], always: Values) -> tuple[list[Variant], list[str]]:
    """The default first, then each factor's; and those that were left out, with the reason.

    `always` wins over what a variant sets besides. A variant equal to one before it is left out silently: it
    is in the table already. One with a field that this recipe has not is left out and named.
    """
    found = [Variant(name=DEFAULT, recipe=with_values(default, always))]
    left_out: list[str] = []
    for factor in chosen:
        for label, values in factor.variants.items():
            name = f"{factor.name} {label}"
            try:
                recipe = with_values(default, {**values, **factor.besides, **always})
            except KeyError as error:
                left_out.append(f"{name}: this recipe has no {error.args[0]}")
                continue
            if all((recipe, factor.chained) != (each.recipe, each.chained) for each in found):
                found.append(Variant(name=name, recipe=recipe, chained=factor.chained))
    return found, left_out


def with_values(recipe: Recipe, values: Values) -> Recipe:
    """Raises KeyError with the dotted name of a field that the recipe has not."""
    plain = recipe.to_json()
    for path, value in values.items():
        found = _find(plain, path)
        if found is None:
            raise KeyError(path)
        section, _ = found
        section[path.rpartition(".")[2]] = value
    return Recipe.from_json(plain)


def default_values(default: Recipe, chosen: Sequence[Factor]) -> dict[str, Any]:
    """What the default says about all that these factors change, by dotted name."""
    paths = [
        path for factor in chosen for values in (*factor.variants.values(), factor.besides) for path in values
    ]
    plain = default.to_json()
    return {path: found[1] for path in dict.fromkeys(paths) if (found := _find(plain, path)) is not None}


def _find(plain: dict[str, Any], path: str) -> tuple[dict[str, Any], Any] | None:
    """The section that holds the field, and its value."""
    section: Any = plain
    *way, last = path.split(".")
    for name in way:
        section = section.get(name) if isinstance(section, dict) else None
    return (section, section[last]) if isinstance(section, dict) and last in section else None


def values_of(settings: Sequence[str]) -> Values:
    """ "schedule.epochs=2" -> its name and its value, which is JSON. Raises BadInput."""
    found: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            found[name.strip()] = json.loads(text)
        except ValueError:
            raise BadInput(f"{setting!r}: write a field of the recipe as in schedule.epochs=2") from None
    return found


def chosen_recipe(settings: Sequence[str], steps: int | None) -> Recipe:
    """The recipe as it is, with what was set on the command line. Raises BadInput."""
    try:
        return with_values(Recipe(), {**values_of(settings), **exact_steps(steps)})
    except KeyError as error:
        raise BadInput(f"the recipe has no {error.args[0]}: see persona/train/recipe.py") from None


def exact_steps(steps: int | None) -> Values:
    """So many steps, whatever the rows and epochs say; None leaves it to them."""
    return {} if steps is None else {"schedule.min_steps": steps, "schedule.max_steps": steps}
