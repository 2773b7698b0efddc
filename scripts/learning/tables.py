"""Figures as text for a terminal; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from learning.cells import Cell
from learning.figures import Lead, Share, Summary, summaries
from learning.variants import DEFAULT
from persona.report import Rate

_NONE = "–"

LEGEND = """adoption: held-out answers that are all the person wants, mean over people, and the interval over
all prompts; kept: preferences of earlier nights; residue: what was given up, or never theirs; calls: exact
ones; able: the capability suite; drift: of the weights, nats a token; MB: of the adapter; train, judge: a
cell's seconds; passed: nights that the gate let through"""


def arms_table(arms: Sequence[Summary]) -> str:
    """One line an arm and night: means over people, and the interval of adoption."""
    head = (
        f"{'arm':18} {'night':>5} {'cells':>5} {'adoption':>8} {'(95 %)':>9} {'kept':>5} {'residue':>7} "
        f"{'calls':>5} {'able':>5} {'drift':>6} {'MB':>5} {'train':>7} {'judge':>7} {'passed':>6}"
    )
    return "\n".join([head, "-" * len(head), *map(_arm_line, arms)])


def _arm_line(each: Summary) -> str:
    return (
        f"{each.arm:18} {each.night:>5} {each.cells:>5} {percent(each.adoption.mean):>8} "
        f"{span(each.adoption):>9} {percent(each.retention.mean):>5} {percent(each.residue.mean):>7} "
        f"{percent(each.calls.mean):>5} {percent(each.able.mean):>5} {number(each.drift, 3):>6} "
        f"{megabytes(each.bytes):>5} {seconds(each.seconds):>7} {seconds(each.judging):>7} "
        f"{of(each.accepted):>6}"
    )


def people_table(cells: Sequence[Cell]) -> str:
    """Each person by arm: adoption after each night, what else the last night shows, and the verdicts."""
    lines: list[str] = []
    nights = sorted({cell.case.night for cell in cells})
    for person in dict.fromkeys(cell.case.person for cell in cells):
        own = [cell for cell in cells if cell.case.person == person]
        lines += ["", f"{person:24} " + " ".join(f"{'night ' + str(night):>8}" for night in nights)]
        for arm, seed in dict.fromkeys((cell.case.arm, cell.case.seed) for cell in own):
            row = {c.case.night: c for c in own if (c.case.arm, c.case.seed) == (arm, seed)}
            label = f"{arm} ({seed})" if seed else arm
            shares = (percent(row[n].adoption.share) if n in row else "" for n in nights)
            lines.append(f"  {label:22} " + " ".join(f"{share:>8}" for share in shares))
            lines += [f"  {'':22}   {said}" for said in _remarks(row[max(row)])]
    return "\n".join(lines[1:])


def _remarks(last: Cell) -> list[str]:
    """What a share of right answers does not say: each wish, what is contested, each part of the suite, the
    gate's reasons."""
    wishes = [f"{statement} {of(rate)}" for statement, rate in last.wishes.items()]
    contested = [f"{statement} {of(rate)}" for statement, rate in last.contested.items()]
    parts = [f"{part} {of(rate)}" for part, rate in last.abilities.items()]
    remarks = ["; ".join(wishes)] if len(wishes) > 1 else []
    remarks += [f"contested: {'; '.join(contested)}"] if contested else []
    remarks += ["; ".join(parts)] if parts else []
    if last.verdict:
        first = next(iter(last.verdict["reasons"]), "")
        remarks.append(
            f"night {last.case.night}: {last.verdict['outcome']}" + (f", {first}" if first else "")
        )
    return remarks


def states_of_code(cells: Sequence[Cell]) -> str:
    """A warning where the code changed between cells; "" otherwise."""
    states = {cell.code for cell in cells}
    if len(states) < 2:
        return ""
    return (
        f"these cells were measured by {len(states)} states of the code: --same-code counts only this one's"
    )


def machines(cells: Sequence[Cell]) -> str:
    """On what they were measured, with how many cells each; "" where nobody says."""
    counted = Counter(cell.machine for cell in cells if cell.machine)
    return "; ".join(f"{machine} ({count} cells)" for machine, count in counted.most_common())


def leads_table(leads: Sequence[Lead]) -> str:
    """How far one arm is ahead of each other one."""
    return "\n".join(
        f"{each.arm} ahead of {each.other}: {each.points:+.0f} points [{each.low:+.0f} to {each.high:+.0f}], "
        f"{each.people} people"
        for each in leads
    )


def sweep_table(cells: Sequence[Cell]) -> str:
    """One line a variant, over its people; the first is the default, which the others are one step from."""
    head = (
        f"{'variant':30} {'cells':>5} {'adoption':>8} {'(95 %)':>9} {'calls':>5} {'drift':>6} {'MB':>6} "
        f"{'steps':>7} {'train':>7} {'judge':>7}"
    )
    lines = [head, "-" * len(head)]
    for each in summaries(cells, list(dict.fromkeys(cell.case.arm for cell in cells))):
        own = [cell.training for cell in cells if cell.case.arm == each.arm]
        steps = sorted({int(training["steps"]) for training in own if "steps" in training})
        mark = " *" if each.arm == DEFAULT else ""
        lines.append(
            f"{each.arm + mark:30} {each.cells:>5} {percent(each.adoption.mean):>8} {span(each.adoption):>9} "
            f"{percent(each.calls.mean):>5} {number(each.drift, 3):>6} {megabytes(each.bytes):>6} "
            f"{'/'.join(map(str, steps)) or _NONE:>7} {seconds(each.seconds):>7} {seconds(each.judging):>7}"
        )
    return "\n".join([*lines, "* the recipe as it is; any other line changes what it names and nothing else"])


def percent(share: float | None) -> str:
    return _NONE if share is None else f"{share * 100:.0f} %"


def span(share: Share) -> str:
    if share.interval is None:
        return _NONE
    low, high = share.interval
    return f"[{low * 100:.0f}–{high * 100:.0f}]"


def of(rate: Rate) -> str:
    return f"{rate.passed}/{rate.asked}" if rate.asked else _NONE


def number(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:.{digits}f}"


def megabytes(value: float | None) -> str:
    return _NONE if not value else f"{value / 1e6:.1f}"


def seconds(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f} s"
