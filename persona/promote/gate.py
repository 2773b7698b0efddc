"""The gate: a pure function from what was measured to a Verdict with reasons.

It fails closed: a number that is missing or not finite, or too few held-out prompts, means "not accepted".
A few answers prove little, so a gain counts only when its interval lies above nothing, and one answer alone
refuses nothing. The candidate is held against the champion, the bare base and the best of the earlier
champions, so that no chain of small losses can walk away unseen. README.md has a table of what passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.revision import BARE_ID
from persona.promote import figures
from persona.promote.figures import Figure, part
from persona.promote.margin import gain_span, share_span
from persona.report import Arm, EvalReport, Rate

_ROUNDING = 1e-9  # 0.8 - 0.7 is a little more than 0.1 here, and must not count as more


@dataclass(frozen=True, kw_only=True, slots=True)
class GatePolicy:
    """Shares lie in 0..1, drift is in nats per token. docs/architecture.md says why these numbers.

    `doubt` is the chance that an end of an interval is wrong. A figure of fewer than `min_prompts` answers
    proves no gain. A loss counts from `min_lost` answers on, and when it is larger than `max_loss` (of one
    figure) or `max_mean_loss` (of the preferences together).
    `max_unasked` is of small talk that is answered by calls.
    """

    doubt: float = 0.10
    min_prompts: int = 3
    min_gain: float = 0.02
    min_lost: int = 2
    max_loss: float = 0.10
    max_mean_loss: float = 0.02
    max_drift: float = 0.05
    max_residue: float = 0.10
    max_truncated_gain: float = 0.10
    max_looping_gain: float = 0.05
    max_empty: float = 0.02
    max_unasked: float = 0.50


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`reasons` are sentences: first what decided, then what was fine.

    `too_strong`: it learnt what it should and was refused for harm alone, of which less strength does less.
    """

    accepted: bool
    reasons: tuple[str, ...]
    too_strong: bool = False


def judge(report: EvalReport, policy: GatePolicy, earlier: Sequence[Arm] = ()) -> Verdict:
    """Accepts a candidate that is clearly better than the champion somewhere and lost nothing that counts.

    `earlier` are champions before the present one, each as it was measured on its own night.
    """
    unknown: list[str] = []
    harm: list[str] = []
    unlearnt: list[str] = []
    fine: list[str] = []
    preferences = figures.adoption(report, earlier, unknown)
    pairs = figures.pairs(report, earlier, unknown)
    exact = figures.exact_calls(report, earlier, unknown)
    shows = figures.residue(report)
    if not report.candidate.adoption:
        fine.append("no preference has a checker, so adoption was not measured")
    _prose_kept(figures.prose_kept(report, unknown), policy, harm, fine)
    for figure in (*preferences, *pairs, *exact, *figures.valid_calls(report, unknown)):
        loss = _loss(figure, policy)
        if loss is None:
            fine.append(f"{figure.name}: {_percent(figure.now)} (before {_percent(figure.before)})")
        else:
            harm.append(loss)
    _together(figures.together(preferences), policy, harm)
    _residue(shows, policy, unlearnt)
    _drift(report.candidate, policy, unknown, harm, fine)
    _form(report, policy, unknown, harm, fine)
    _told(report, fine)
    _recalled(report, fine)
    proof = _gain(preferences, [*pairs, *exact], shows, _champion(report), policy, unlearnt)
    if unknown or harm or unlearnt:
        return Verdict(
            accepted=False,
            reasons=(*unknown, *harm, *unlearnt, *fine),
            too_strong=not unknown and not unlearnt,
        )
    return Verdict(accepted=True, reasons=(*proof, *fine))


def _gain(
    preferences: Sequence[Figure],
    others: Sequence[Figure],
    shows: Sequence[Figure],
    champion: str,
    policy: GatePolicy,
    unlearnt: list[str],
) -> list[str]:
    """The sentence that says what became better; without one, why that is not enough goes into `unlearnt`.

    The preferences together, exact calls and preference accuracy each have the whole doubt. A preference, or
    a style that was given up, also counts on its own, or a new one would drown among many that are kept; they
    share the doubt, since among many some rise by chance.
    """
    mean = figures.together(preferences)
    alone = [*(preferences if len(preferences) > 1 else ()), *(figures.freed(each) for each in shows)]
    looked_at = [
        *((figure, policy.doubt) for figure in ([] if mean is None else [mean])),
        *((figure, policy.doubt) for figure in others),
        *((figure, policy.doubt / len(alone)) for figure in alone),
    ]
    enough = [each for each in looked_at if each[0].now.asked >= policy.min_prompts]
    if not looked_at:
        unlearnt.append("nothing could be compared with the champion on held-out prompts")
        return []
    if not enough:
        most = max(figure.now.asked for figure, _ in looked_at)
        unlearnt.append(f"only {most} held-out checks, {policy.min_prompts} are needed to judge")
        return []
    risen = [
        (gain_span(figure.now, figure.before, doubt).low, figure)
        for figure, doubt in enough
        if figure.gain >= policy.min_gain - _ROUNDING
    ]
    low, best = max(risen, key=lambda each: each[0], default=(-1.0, enough[0][0]))
    if low >= 0.0:
        return [f"better than {champion}: {best.name} {_rose(best)}, at least {_points(low)} beyond chance"]
    largest = max((figure for figure, _ in looked_at), key=lambda figure: figure.gain)
    if largest.gain >= policy.min_gain - _ROUNDING:
        unlearnt.append(
            f"it is not clearly better than {champion} on held-out prompts: {largest.name} {_rose(largest)}, "
            "which may be chance"
        )
    else:
        unlearnt.append(
            f"it is no better than {champion} on held-out prompts (largest gain {_points(largest.gain)})"
        )
    return []


def _loss(figure: Figure, policy: GatePolicy) -> str | None:
    """What this figure lost that counts, if it did.

    Whoever refuses keeps the champion. So what is below the base passes when it is clearly above a champion
    that is even further below; and what earlier champions had on other prompts counts only for a figure that
    falls tonight.
    """
    now, before, base = figure.now, figure.before, figure.base
    if _fell(now, before, policy.max_loss, policy):
        return f"{figure.name} fell from {_percent(before)} to {_counted(now)}"
    if (
        base is not None
        and _fell(now, base, policy.max_loss, policy)
        and not gain_span(now, before, policy.doubt).low > 0.0
    ):
        return f"{figure.name}: {_counted(now)}, and the bare base has {_percent(base)}"
    best = max(figure.earlier, key=lambda rate: share_span(rate, policy.doubt).low, default=None)
    if (
        best is not None
        and figure.gain < 0.0
        and _fell(now, best, policy.max_loss, policy)
        and share_span(now, policy.doubt).high < share_span(best, policy.doubt).low
    ):
        return f"{figure.name} fell step by step to {_counted(now)}: an earlier champion had {_counted(best)}"
    return None


def _prose_kept(kept: Sequence[Figure], policy: GatePolicy, harm: list[str], fine: list[str]) -> None:
    """Small talk that is answered by a call refuses only where it clearly is most of it: who learnt calls
    makes one too many, a client shows a call before it runs, and without the adapter none is right. How many
    there were is told in any case."""
    for figure in kept:
        called = Rate(passed=figure.now.asked - figure.now.passed, asked=figure.now.asked)
        mostly = share_span(called, policy.doubt).low > policy.max_unasked
        if mostly and figure.base is not None and _fell(figure.now, figure.base, policy.max_loss, policy):
            harm.append(
                f"{figure.name}: {_counted(figure.now)}, and the bare base has {_percent(figure.base)}"
            )
        else:
            fine.append(f"{figure.name}: {_counted(figure.now)} (before {_percent(figure.before)})")


def _fell(now: Rate, before: Rate, allowed: float, policy: GatePolicy) -> bool:
    lost = part(before) - part(now)
    return lost > allowed + _ROUNDING and lost * now.asked >= policy.min_lost - _ROUNDING


def _together(mean: Figure | None, policy: GatePolicy, harm: list[str]) -> None:
    """Whatever else was won, it is not won with the preferences."""
    if mean is not None and _fell(mean.now, mean.before, policy.max_mean_loss, policy):
        harm.append(f"{mean.name} fell from {_percent(mean.before)} to {_counted(mean.now)}")


def _residue(shows: Sequence[Figure], policy: GatePolicy, unlearnt: list[str]) -> None:
    """A style that was given up may still show where the champion shows it clearly more."""
    for figure in shows:
        too_much = part(figure.now) > policy.max_residue and figure.now.passed >= policy.min_lost
        if too_much and not gain_span(figure.now, figure.before, policy.doubt).high < 0.0:
            unlearnt.append(f"{figure.name} still shows in {_percent(figure.now)} of answers")


def _drift(candidate: Arm, policy: GatePolicy, unknown: list[str], harm: list[str], fine: list[str]) -> None:
    drift = candidate.drift
    if drift is None or not math.isfinite(drift):
        unknown.append("drift from the base is missing")
    elif drift > policy.max_drift:
        harm.append(
            f"drift from the base is {drift:.3f} nats per token on neutral prompts, "
            f"{policy.max_drift:.3f} is allowed"
        )
    else:
        fine.append(f"drift from the base: {drift:.3f} nats per token ({policy.max_drift:.3f} allowed)")


def _form(
    report: EvalReport, policy: GatePolicy, unknown: list[str], harm: list[str], fine: list[str]
) -> None:
    form, base = report.candidate.form, report.base.form
    if form is None or base is None:
        unknown.append("the form of the answers (length, loops, truncation) is missing")
        return
    before = len(harm)
    asked = form.answers + form.besides if form.answers else 0
    for name, now, then, allowed, of in (
        ("cut off", form.truncated, base.truncated, base.truncated + policy.max_truncated_gain, form.answers),
        ("loops", form.looping, base.looping, base.looping + policy.max_looping_gain, asked),
        ("empty", form.empty, 0.0, policy.max_empty, asked),
    ):
        if not math.isfinite(now) or (now > allowed and not _by_chance(now, then, allowed, of, policy)):
            harm.append(f"{_share(now)} of its answers are {name}, {_share(allowed)} are allowed")
    if len(harm) == before:
        fine.append(f"answers end, do not loop, and have {form.words:.0f} words (base {base.words:.0f})")


def _by_chance(now: float, then: float, allowed: float, answers: int, policy: GatePolicy) -> bool:
    """One answer more than the base's refuses nothing, nor does a share whose interval reaches down to what
    is allowed. Earlier reports do not say how many answers there were: theirs is taken as it is."""
    if not answers:
        return False
    if (now - then) * answers < policy.min_lost - _ROUNDING:
        return True
    seen = Rate(passed=round(now * answers), asked=answers)
    return share_span(seen, policy.doubt).low <= allowed


def _recalled(report: EvalReport, fine: list[str]) -> None:
    """Not a matter of promotion either."""
    found = report.precedents
    if found is not None and found.gains:
        counts = f"{_counted(found.with_them)} are exact then, {found.without.passed} without"
        fine.append(f"before a request that wants a call stand two like it with their calls: {counts}")


def _told(report: EvalReport, fine: list[str]) -> None:
    """Not a matter of promotion: what the bridge does from now on."""
    told = report.told
    if told is None:
        return
    said = [key for key in told.preferences if key not in told.harmful]
    if said:
        names = ", ".join(_quoted(report, key) for key in said)
        seen = "" if told.harmful else f" ({_then(told.said, told.withheld)})"
        fine.append(f"what its weights do not carry is said in the prompt: {names}{seen}")
    for key in told.harmful:
        found = told.each[key]
        fine.append(
            f"{_quoted(report, key)} stays out of the prompt, where it costs more than it gains"
            f" ({_then(found.all_said, found.all_withheld)})"
        )


def _quoted(report: EvalReport, key: str) -> str:
    return f"“{report.statements.get(key, key)}”"


def _then(said: Rate, withheld: Rate) -> str:
    return f"{said.passed} of {said.asked} checks pass then, {withheld.passed} without"


def _champion(report: EvalReport) -> str:
    """For people, to whom the id of a revision says nothing."""
    return BARE_ID if report.champion.revision == BARE_ID else "the champion"


def _rose(figure: Figure) -> str:
    return f"from {_percent(figure.before)} to {_counted(figure.now)}"


def _counted(rate: Rate) -> str:
    return f"{_percent(rate)} ({rate.passed} of {rate.asked})"


def _percent(rate: Rate) -> str:
    return _share(part(rate))


def _share(share: float) -> str:
    return f"{share * 100:.0f} %"


def _points(gain: float) -> str:
    return f"{gain * 100:+.0f} points"
