"""On which figures a candidate can win or lose, each beside champion, base and earlier champions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from persona.report import Arm, EvalReport, Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """Rates of the same held-out prompts, at least one; each of `earlier` is of the prompts of its own night.
    `name` begins a sentence."""

    name: str
    now: Rate
    before: Rate
    base: Rate | None = None
    earlier: tuple[Rate, ...] = ()

    @property
    def gain(self) -> float:
        return part(self.now) - part(self.before)


def part(rate: Rate) -> float:
    """The share, 0..1, of a rate that was asked."""
    return rate.passed / rate.asked


def adoption(report: EvalReport, earlier: Sequence[Arm], against: list[str]) -> list[Figure]:
    """Each preference on its own."""
    found: list[Figure] = []
    for key, now in report.candidate.adoption.items():
        if not now.asked:
            continue
        name = _named(report, key)
        before, base = _asked(report.champion.adoption.get(key)), _asked(report.base.adoption.get(key))
        if before is None or base is None:
            lacking = "the champion" if before is None else "the base"
            against.append(f"{name} was not measured on {lacking}")
            continue
        past = _known(arm.adoption.get(key) for arm in earlier)
        found.append(Figure(name=name, now=now, before=before, base=base, earlier=past))
    return found


def together(preferences: Sequence[Figure]) -> Figure | None:
    """All preferences as one figure, the mean over prompts; None when there is none."""
    if not preferences:
        return None
    return Figure(
        name="the preferences together",
        now=_sum(figure.now for figure in preferences),
        before=_sum(figure.before for figure in preferences),
    )


def pairs(report: EvalReport, earlier: Sequence[Arm], against: list[str]) -> list[Figure]:
    if report.candidate.pairs is None:
        against.append("preference accuracy on held-out pairs is missing")
        return []
    if not report.candidate.pairs.asked:
        return []
    before, base = _asked(report.champion.pairs), _asked(report.base.pairs)
    if before is None or base is None:
        against.append("preference accuracy is missing for the champion or the base")
        return []
    past = _known(arm.pairs for arm in earlier)
    return [
        Figure(name="preference accuracy", now=report.candidate.pairs, before=before, base=base, earlier=past)
    ]


def exact_calls(report: EvalReport, earlier: Sequence[Arm], against: list[str]) -> list[Figure]:
    past = _known(arm.calls_exact for arm in earlier)
    rates = [arm.calls_exact for arm in (report.candidate, report.champion, report.base)]
    return _calls("exact tool calls", rates, past, against)


def valid_calls(report: EvalReport, against: list[str]) -> list[Figure]:
    """Something to lose and nothing to win: a valid call may still be the wrong one."""
    rates = [arm.calls_valid for arm in (report.candidate, report.champion, report.base)]
    return _calls("valid tool calls", rates, (), against)


def prose_kept(report: EvalReport, against: list[str]) -> list[Figure]:
    """Something to lose as well: who has tools on offer wants no call most of the time. Nothing where the
    user has none."""
    rates = [arm.prose_kept for arm in (report.candidate, report.champion, report.base)]
    return [] if rates[0] is None else _calls("answers that want no call and make none", rates, (), against)


def residue(report: EvalReport) -> list[Figure]:
    """Of each superseded style the answers that show it: less is better. The base is not held against it."""
    found: list[Figure] = []
    for key, now in report.candidate.residue.items():
        if now.asked:
            before = _asked(report.champion.residue.get(key)) or Rate(passed=0, asked=now.asked)
            found.append(Figure(name=f"the superseded {_named(report, key)}", now=now, before=before))
    return found


def freed(shows: Figure) -> Figure:
    """The same of the answers that do not show it: more is better."""
    return Figure(name=f"answers without {shows.name}", now=_rest(shows.now), before=_rest(shows.before))


def _calls(
    name: str, rates: Sequence[Rate | None], earlier: tuple[Rate, ...], against: list[str]
) -> list[Figure]:
    now = rates[0]
    if now is None:
        against.append(f"{name} on held-out requests are missing")
        return []
    if not now.asked:
        return []
    before, base = _asked(rates[1]), _asked(rates[2])
    if before is None or base is None:
        against.append(f"{name} are missing for the champion or the base")
        return []
    return [Figure(name=name, now=now, before=before, base=base, earlier=earlier)]


def _named(report: EvalReport, key: str) -> str:
    return f"“{report.statements.get(key, key)}”"


def _asked(rate: Rate | None) -> Rate | None:
    return rate if rate is not None and rate.asked else None


def _known(rates: Iterable[Rate | None]) -> tuple[Rate, ...]:
    return tuple(rate for rate in rates if rate is not None and rate.asked)


def _sum(rates: Iterable[Rate]) -> Rate:
    each = list(rates)
    return Rate(passed=sum(rate.passed for rate in each), asked=sum(rate.asked for rate in each))


def _rest(rate: Rate) -> Rate:
    return Rate(passed=rate.asked - rate.passed, asked=rate.asked)
