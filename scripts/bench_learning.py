"""Compares ways of learning: simulated people teach night by night, and every arm is judged in the morning.

base learns nothing. prompt puts what the ledger holds into the system prompt. sft-chain and dpo-chain are
trl's SFTTrainer and DPOTrainer as they come: every night they go on with last night's adapter, on the new
day's demonstrations or pairs. persona is the real night: import, distil, train from the base, judge, promote;
persona-candidate is what it built whatever its gate said, persona-served the champion with the bridge, as a
user meets it. It builds every adapter from the base, so a night that is not in --learn-on is only heard.
Not among the usual arms: persona-told hears none of their conversations, and what they want in their own
words; sft-weakened is what sft-chain learnt, at the scale that drifts by 0.03.

The chains have the rank and the rows a step of persona's recipe, all blocks of the base and, for the day's
rows, three epochs; LoRA rates are 1e-3 for SFT and 1e-4 for DPO at beta 0.1, in bf16.
Trained tokens cannot be equal: persona sees all days again each night and has practice and replay rows
beside them, the chains keep what earlier steps did. Every cell says how many tokens it was.

A finished cell is kept at once and never measured again; see docs/learning.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench_loop import this_machine
from learning import grid, lanes, place, plots, tables
from learning.asking import JUDGED, Asking
from learning.bench import ARMS, USUAL, WEAKENED, Bench
from learning.cells import Cell
from learning.figures import Lead, Summary, in_common, leads, summaries
from learning.measuring import BY_ID
from learning.running import Ran, to_stderr
from learning.variants import chosen_recipe
from people import NIGHTS

from persona.errors import BadInput, PersonaError

OUT = place.CACHE / "learning"
QUICK = {
    "people": "nell",
    "nights": "1,2",
    "learn_on": "all",
    "prompts": 12,
    "tokens": 64,
    "neutral": 12,
    "items": 2,
    "steps": 16,
}
FULL = {
    "people": "nell,albrecht,tomas,ines,ruben,wim,hanna",
    "nights": str(NIGHTS),
    "learn_on": str(NIGHTS),
    "prompts": JUDGED,
    "tokens": 72,
    "neutral": 16,
    "items": 2,
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        with place.occupied(options.out, options.known):
            ran = _run(options)
        return _show(ran, options)
    except PersonaError as error:
        print(f"bench_learning: {error}", file=sys.stderr)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    place.add_common(parser, out=OUT)
    parser.add_argument("--nights", metavar="1-3", help=f"judged; the ones before are lived (1-{NIGHTS})")
    parser.add_argument("--learn-on", metavar="1-3", help="nights on which persona builds; or all")
    parser.add_argument("--arms", default=",".join(USUAL), metavar="A,B", help=", ".join(ARMS))
    parser.add_argument("--neutral", type=int, metavar="N", help="prompts that drift is measured on")
    parser.add_argument(
        "--items", type=int, metavar="N", help="of each part of the capability suite; 0: none"
    )
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _run(options: argparse.Namespace) -> Ran:
    asking = Asking(
        prompts=options.prompts, tokens=options.tokens, neutral=options.neutral, items=options.items
    )
    nights = grid.numbers(options.nights)
    if not all(1 <= night <= NIGHTS for night in nights):
        raise BadInput(f"--nights {options.nights}: the people teach on the nights 1 to {NIGHTS}")
    wanted = grid.cases(
        arms=list(USUAL) if options.arms == "all" else grid.names(options.arms, ARMS),
        people=grid.names(options.people, list(BY_ID)),
        nights=nights,
        seeds=grid.numbers(options.seeds),
    )
    if any(case.arm == WEAKENED for case in wanted) and not options.neutral:
        raise BadInput(f"{WEAKENED} needs --neutral: its scale goes by what drift is measured on")
    deadline = grid.Deadline(options.minutes)
    code = place.code_of(options)
    judge = place.judge_in(options.out, options.base, asking, code)
    bench = Bench(
        base=judge.base,
        out=options.out,
        asking=asking,
        recipe=chosen_recipe(options.set, options.steps),
        judge=judge,
        code=code,
        learns=None if options.learn_on == "all" else frozenset(grid.numbers(options.learn_on)),
    )
    return lanes.run(bench, wanted, options.out, deadline=deadline, lanes=options.lanes)


def _show(ran: Ran, options: argparse.Namespace) -> int:
    arms = [arm for arm in ARMS if any(cell.case.arm == arm for cell in ran.cells)]
    common = in_common(ran.cells, arms)
    found = summaries(common, arms)
    if options.plots is not None and found:
        for file in plots.write_arms(found, options.plots):
            to_stderr(f"wrote {file}")
    ahead = [
        each
        for arm in ("persona", "persona-served")
        for each in leads(ran.cells, arm, [other for other in arms if not other.startswith("persona")])
    ]
    if options.json:
        print(json.dumps(_document(ran, found, ahead), indent=1, default=_plain))
    else:
        print(_text(ran, tables.arms_table(found), common, ahead))
    return 130 if ran.interrupted else 1 if ran.failed else 0


def _document(ran: Ran, found: Sequence[Summary], ahead: Sequence[Lead]) -> dict[str, Any]:
    return {
        "machine": this_machine(),
        "measured_on": tables.machines(ran.cells),
        "missing": ran.missing,
        "failed": ran.failed,
        "arms": [asdict(each) for each in found],
        "ahead": [asdict(each) for each in ahead],
        "cells": [cell.to_json() for cell in ran.cells],
    }


def _text(ran: Ran, table: str, common: Sequence[Cell], ahead: Sequence[Lead]) -> str:
    parts = [table, tables.LEGEND, tables.people_table(ran.cells)] if ran.cells else ["no cell was measured"]
    if ahead:
        parts.insert(2, tables.leads_table(ahead))
    if measured_on := tables.machines(ran.cells):
        parts.append(f"measured on {measured_on}")
    if len(common) < len(ran.cells):
        parts.insert(
            1, f"the means leave out {len(ran.cells) - len(common)} cells that some arm has no like of"
        )
    if ran.missing:
        parts.append(f"{ran.missing} cells are missing: run it again to go on")
    if states := tables.states_of_code(ran.cells):
        parts.append(states)
    return "\n\n".join(parts)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


if __name__ == "__main__":
    sys.exit(main())
