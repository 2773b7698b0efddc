"""What each number of the recipe does: one thing at a time changed around the default, and the small end.

Each variant builds an adapter from the same nights of one or two people, as a night would and without its
gate, and is judged on held-out prompts of theirs that `bench_learning` does not ask, unless it is told how
many: what is chosen here is proven there. Fields are read off the recipe as it is; a variant that it has no
field for is named and left out. The adapter's scale is taken back where it drifts too far, as always: the
restraint's own rows of the table say what there would be without.

A finished cell is kept at once and never measured again; see docs/learning.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench_loop import this_machine
from learning import grid, lanes, place, plots, tables
from learning.asking import JUDGED, Asking
from learning.cells import Cell
from learning.figures import summaries, whole
from learning.measuring import BY_ID
from learning.running import Ran, to_stderr
from learning.trial import Trial
from learning.variants import (
    Variant,
    chosen_factors,
    chosen_recipe,
    default_values,
    exact_steps,
    factors,
    variants,
)
from people import NIGHTS

from persona.errors import BadInput, PersonaError
from persona.train import Recipe

OUT = place.CACHE / "sweep"
NAMES = tuple(factor.name for factor in factors(Recipe()))
QUICK = {"people": "nell", "prompts": 6, "tokens": 64, "neutral": 12, "steps": 12, "factors": "small"}
FULL = {"people": "nell,tomas", "prompts": 12, "tokens": 96, "neutral": 24, "steps": None, "factors": "all"}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        default = chosen_recipe(options.set, options.steps)
        chosen = chosen_factors(factors(default), options.factors)
        tried, left_out = variants(default, chosen, exact_steps(options.steps))
        with place.occupied(options.out, options.known):
            ran = _run(options, tried)
        return _show(ran, options, left_out=left_out, default=default_values(default, chosen))
    except PersonaError as error:
        print(f"sweep: {error}", file=sys.stderr)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    place.add_common(parser, out=OUT)
    parser.add_argument("--night", type=int, default=3, help="how many nights were taught")
    parser.add_argument("--factors", metavar="A,B", help=f"or a variant of one (rank 1): {', '.join(NAMES)}")
    parser.add_argument("--neutral", type=int, metavar="N", help="prompts that drift is measured on")
    parser.add_argument(
        "--items", type=int, default=0, metavar="N", help="of each part of the capability suite"
    )
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _run(options: argparse.Namespace, tried: Sequence[Variant]) -> Ran:
    if not 1 <= options.night <= NIGHTS:
        raise BadInput(f"--night {options.night}: the people teach on the nights 1 to {NIGHTS}")
    asking = Asking(
        prompts=options.prompts,
        tokens=options.tokens,
        neutral=options.neutral,
        items=options.items,
        beside=JUDGED,
    )
    wanted = grid.cases(
        arms=[variant.name for variant in tried],
        people=grid.names(options.people, list(BY_ID)),
        nights=[options.night],
        seeds=grid.numbers(options.seeds),
    )
    # A run that was cut short has few variants with all their people, and not all with some.
    order = {variant.name: number for number, variant in enumerate(tried)}
    wanted.sort(key=lambda case: order[case.arm])
    deadline = grid.Deadline(options.minutes)
    code = place.code_of(options)
    judge = place.judge_in(options.out, options.base, asking, code)
    trial = Trial(
        base=judge.base,
        out=options.out,
        asking=asking,
        variants={variant.name: variant for variant in tried},
        judge=judge,
        code=code,
    )
    return lanes.run(trial, wanted, options.out, deadline=deadline, lanes=options.lanes)


def _show(
    ran: Ran, options: argparse.Namespace, *, left_out: Sequence[str], default: Mapping[str, Any]
) -> int:
    cells, cut_short = whole(ran.cells)
    found = summaries(cells, list(dict.fromkeys(cell.case.arm for cell in cells)))
    if options.plots is not None and found:
        for file in plots.write_sweep(found, NAMES, options.plots):
            to_stderr(f"wrote {file}")
    if options.json:
        document = {
            "machine": this_machine(),
            "missing": ran.missing,
            "failed": ran.failed,
            "left_out": list(left_out),
            "cut_short": list(cut_short),
            "default": default,
            "variants": [asdict(each) for each in found],
            "cells": [cell.to_json() for cell in ran.cells],
        }
        print(json.dumps(document, indent=1))
    else:
        print(_text(ran, cells, cut_short, left_out, default))
    return 130 if ran.interrupted else 1 if ran.failed else 0


def _text(
    ran: Ran,
    cells: Sequence[Cell],
    cut_short: Sequence[str],
    left_out: Sequence[str],
    default: Mapping[str, Any],
) -> str:
    parts = [tables.sweep_table(cells)] if cells else ["no cell was measured"]
    if cut_short:
        parts.append(f"not all people of the default yet, and so not compared: {', '.join(cut_short)}")
    parts.append("\n".join(["the default:", *(f"  {path} = {value}" for path, value in default.items())]))
    parts += [f"left out: {line}" for line in left_out]
    if ran.missing:
        parts.append(f"{ran.missing} cells are missing: run it again to go on")
    if states := tables.states_of_code(ran.cells):
        parts.append(states)
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
