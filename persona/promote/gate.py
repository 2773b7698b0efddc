"""The gate: a pure function from what was measured to a Verdict with reasons.

It fails closed: a number that is missing or not finite, or too few held-out prompts, means "not accepted".
The candidate is held against the champion and against the bare base, so that no chain of small losses can
walk away from the base unseen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from persona.report import Arm, EvalReport, Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class GatePolicy:
    """Shares lie in 0..1, drift is in nats per token. docs/architecture.md says why these numbers."""

    min_prompts: int = 6
    min_gain: float = 0.02
    max_loss: float = 0.10
    max_drift: float = 0.05
    max_residue: float = 0.10
    max_truncated_gain: float = 0.10
    max_looping_gain: float = 0.05
    max_empty: float = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`reasons` are sentences: first what decided, then what was fine."""

    accepted: bool
    reasons: tuple[str, ...]


def judge(report: EvalReport, policy: GatePolicy) -> Verdict:
    """Accepts a candidate that is better than the champion somewhere and clearly worse nowhere."""
    against: list[str] = []
    fine: list[str] = []
    gains = [
        *_adoption(report, policy, against, fine),
        *_pairs(report, policy, against, fine),
        *_calls(report, policy, against, fine),
    ]
    _residue(report.candidate, report, policy, against)
    _drift(report.candidate, policy, against, fine)
    _form(report, policy, against, fine)
    _told(report, fine)
    if not gains:
        against.append("nothing could be compared with the champion on held-out prompts")
    elif max(gains) < policy.min_gain:
        against.append(
            f"it is no better than {report.champion.revision} on held-out prompts "
            f"(largest gain {_points(max(gains))})"
        )
    if against:
        return Verdict(accepted=False, reasons=(*against, *fine))
    return Verdict(accepted=True, reasons=tuple(fine))


def _adoption(report: EvalReport, policy: GatePolicy, against: list[str], fine: list[str]) -> list[float]:
    """Every preference on its own, and their mean over prompts."""
    asked = sum(rate.asked for rate in report.candidate.adoption.values())
    if not report.candidate.adoption:
        fine.append("no preference has a checker, so adoption was not measured")
        return []
    if asked < policy.min_prompts:
        against.append(
            f"only {asked} held-out checks of preferences, {policy.min_prompts} are needed to judge"
        )
        return []
    gains: list[float] = []
    for key, rate in report.candidate.adoption.items():
        name = report.statements.get(key, key)
        now, before = rate.share, _share(report.champion.adoption.get(key))
        if now is None:
            continue
        if before is None:
            against.append(f"“{name}” was not measured on {report.champion.revision}")
            continue
        gains.append((now - before) * rate.asked / asked)
        if now < before - policy.max_loss:
            against.append(f"“{name}” fell from {_percent(before)} to {_percent(now)}")
        else:
            fine.append(f"“{name}”: {_percent(now)} (before {_percent(before)})")
    return [sum(gains)] if gains else []


def _pairs(report: EvalReport, policy: GatePolicy, against: list[str], fine: list[str]) -> list[float]:
    now = _share(report.candidate.pairs)
    if report.candidate.pairs is None:
        against.append("preference accuracy on held-out pairs is missing")
        return []
    if now is None:
        return []
    before, base = _share(report.champion.pairs), _share(report.base.pairs)
    if before is None or base is None:
        against.append("preference accuracy is missing for the champion or the base")
        return []
    if now < max(before, base) - policy.max_loss:
        against.append(f"preference accuracy fell from {_percent(max(before, base))} to {_percent(now)}")
    else:
        fine.append(f"preference accuracy on held-out pairs: {_percent(now)} (before {_percent(before)})")
    return [now - before]


def _calls(report: EvalReport, policy: GatePolicy, against: list[str], fine: list[str]) -> list[float]:
    arms = (report.candidate, report.champion, report.base)
    if report.candidate.calls_exact is None or report.candidate.calls_valid is None:
        against.append("tool calls on held-out requests are missing")
        return []
    valid = [_share(arm.calls_valid) for arm in arms]
    exact = [_share(arm.calls_exact) for arm in arms]
    if valid[0] is None or exact[0] is None:
        return []
    if None in valid or None in exact:
        against.append("tool calls are missing for the champion or the base")
        return []
    if valid[0] < max(v for v in valid if v is not None) - policy.max_loss:
        against.append(f"valid tool calls fell to {_percent(valid[0])}")
    before = exact[1]
    assert before is not None
    if exact[0] < before - policy.max_loss:
        against.append(f"exact tool calls fell from {_percent(before)} to {_percent(exact[0])}")
    else:
        fine.append(f"exact tool calls: {_percent(exact[0])} (before {_percent(before)})")
    return [exact[0] - before]


def _residue(candidate: Arm, report: EvalReport, policy: GatePolicy, against: list[str]) -> None:
    for key, rate in candidate.residue.items():
        share = rate.share
        if share is not None and share > policy.max_residue:
            against.append(
                f"the superseded “{report.statements.get(key, key)}” still shows in "
                f"{_percent(share)} of answers"
            )


def _drift(candidate: Arm, policy: GatePolicy, against: list[str], fine: list[str]) -> None:
    drift = candidate.drift
    if drift is None or not math.isfinite(drift):
        against.append("drift from the base is missing")
    elif drift > policy.max_drift:
        against.append(
            f"drift from the base is {drift:.3f} nats per token on neutral prompts, "
            f"{policy.max_drift:.3f} is allowed"
        )
    else:
        fine.append(f"drift from the base: {drift:.3f} nats per token ({policy.max_drift:.3f} allowed)")


def _form(report: EvalReport, policy: GatePolicy, against: list[str], fine: list[str]) -> None:
    form, base = report.candidate.form, report.base.form
    if form is None or base is None:
        against.append("the form of the answers (length, loops, truncation) is missing")
        return
    before = len(against)
    for name, now, allowed in (
        ("cut off", form.truncated, base.truncated + policy.max_truncated_gain),
        ("loops", form.looping, base.looping + policy.max_looping_gain),
        ("empty", form.empty, policy.max_empty),
    ):
        if not math.isfinite(now) or now > allowed:
            against.append(f"{_percent(now)} of its answers are {name}, {_percent(allowed)} are allowed")
    if len(against) == before:
        fine.append(f"answers end, do not loop, and have {form.words:.0f} words (base {base.words:.0f})")


def _told(report: EvalReport, fine: list[str]) -> None:
    """Not a matter of promotion: what the bridge does from now on."""
    told = report.told
    if told is None:
        return
    said = [key for key in told.preferences if key not in told.harmful]
    seen = f"{told.said.passed} of {told.said.asked} checks pass then, {told.withheld.passed} without"
    for keys, does in (
        (said, "is said in the prompt"),
        (told.harmful, "stays out of the prompt, where it gains nothing and does harm"),
    ):
        if keys:
            names = ", ".join(f"“{report.statements.get(key, key)}”" for key in keys)
            fine.append(f"what its weights do not carry {does}: {names} ({seen})")


def _share(rate: Rate | None) -> float | None:
    return None if rate is None else rate.share


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _points(gain: float) -> str:
    return f"{gain * 100:+.0f} points"
