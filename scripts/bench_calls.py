"""What a person with three tools gets: calls that are exactly the wanted ones, and calls that nobody wanted.

Tomas teaches for a week, as in bench_learning, whose lives are used where they are there. Then he asks what
neither his week nor the comparison held (samples/people/tomas_beside.jsonl): 32 requests with the call that
he would want, and 24 lines of talk with his tools on offer. Each arm answers without precedents and with
those of his week, whatever a gate said of them; see persona/precedents.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench_loop import this_machine
from learning import grid, place
from learning.asking import Asking
from learning.bench import Bench
from learning.cells import Case
from learning.judging import Judge
from learning.mornings import Morning
from learning.persona_life import IDENTITY
from learning.running import to_stderr
from people import NIGHTS
from people.tomas import BESIDE, TOMAS

from persona.errors import PersonaError
from persona.evaluate.calls import begun, exact
from persona.paths import Home
from persona.precedents import Precedent, newest_precedents
from persona.report import Rate
from persona.train import Recipe
from store import Store

OUT = place.CACHE / "learning"
ARMS = ("base", "sft-chain", "dpo-chain", "persona")  # what has weights of its own, and the bare base
_ASKING = Asking(tokens=96, neutral=0, items=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Called:
    """exact: of the requests that want a call. unwanted: lines of talk that are answered by one. precedents:
    how many were known, 0 where the arm answers without any."""

    arm: str
    seed: int
    precedents: int
    exact: Rate
    unwanted: Rate


def called(judge: Judge, morning: Morning) -> tuple[Rate, Rate]:
    """(exact, unwanted) of the morning's answers."""
    answers = judge.judge(morning, [ask.prompt for ask in BESIDE]).answers
    right, unwanted = [], []
    for answer, ask in zip(answers, BESIDE, strict=True):
        if ask.call is None:
            unwanted.append(begun(answer))
        else:
            right.append(exact(answer, [ask.call]))
    return Rate(passed=sum(right), asked=len(right)), Rate(passed=sum(unwanted), asked=len(unwanted))


def measure(bench: Bench, arms: Sequence[str], seeds: Sequence[int]) -> Iterator[Called]:
    """Every arm, without precedents and with them; its nights are lived first if need be. Raises
    PersonaError."""
    for seed in seeds:
        learnt = Case(arm="persona", person=TOMAS.id, night=NIGHTS, seed=seed)
        bench.morning(learnt)
        known = _precedents(bench.out / "lives" / bench.life(learnt))
        for arm in arms:
            morning = replace(bench.morning(replace(learnt, arm=arm)), said=(), precedents=())
            for some in ((), known):
                right, unwanted = called(bench.judge, replace(morning, precedents=some))
                found = Called(arm=arm, seed=seed, precedents=len(some), exact=right, unwanted=unwanted)
                to_stderr(_line(found))
                yield found


def _precedents(life: Path) -> tuple[Precedent, ...]:
    with Store.open(Home(life / "home").identity(IDENTITY).store) as store:
        return newest_precedents(store)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="where lives are kept (default: %(default)s)")
    parser.add_argument("--base", default="smollm2-135m", help="as for `persona init --base`")
    parser.add_argument("--seeds", default="0", metavar="0,1", help="of teaching and training")
    parser.add_argument("--arms", default="base,sft-chain,persona", metavar="A,B", help=", ".join(ARMS))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    try:
        with place.occupied(options.out):
            judge = place.judge_in(options.out, options.base, _ASKING, code="")
            bench = Bench(
                base=judge.base,
                out=options.out,
                asking=_ASKING,
                recipe=Recipe(),
                judge=judge,
                code="",
                learns=frozenset([NIGHTS]),
            )
            seeds = grid.numbers(options.seeds)
            found = list(measure(bench, grid.names(options.arms, ARMS), seeds))
    except PersonaError as error:
        print(f"bench_calls: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        print(json.dumps({"machine": this_machine(), "called": [asdict(each) for each in found]}, indent=1))
    else:
        print("exact: calls that are the wanted ones; unwanted: talk that is answered by a call")
        print("\n".join(map(_line, found)))
    return 0


def _line(found: Called) -> str:
    how = f"with {found.precedents} precedents" if found.precedents else "without precedents"
    seed = f" (seed {found.seed})" if found.seed else ""
    return (
        f"{found.arm + seed:20} {how:24} exact {found.exact.passed:2} of {found.exact.asked}, "
        f"unwanted {found.unwanted.passed:2} of {found.unwanted.asked}"
    )


if __name__ == "__main__":
    sys.exit(main())
