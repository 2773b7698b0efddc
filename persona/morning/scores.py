"""What was measured, as rows: one line per number, one column per revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from persona.report import Arm, EvalReport, Rate, Training

_ABSENT = "–"


def score_rows(arms: Sequence[Arm], statements: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A name and one value per arm; numbers that no arm has are left out."""
    preferences = list(dict.fromkeys(key for arm in arms for key in arm.adoption))
    superseded = list(dict.fromkeys(key for arm in arms for key in arm.residue))
    rows = [
        *((_named(statements, key), *(_rate(arm.adoption.get(key)) for arm in arms)) for key in preferences),
        *(
            (f"old: {_named(statements, key)}", *(_rate(arm.residue.get(key)) for arm in arms))
            for key in superseded
        ),
        ("preferred answer likelier", *(_rate(arm.pairs) for arm in arms)),
        ("tool calls valid", *(_rate(arm.calls_valid) for arm in arms)),
        ("tool calls exact", *(_rate(arm.calls_exact) for arm in arms)),
        ("no call where none is wanted", *(_rate(arm.prose_kept) for arm in arms)),
        ("drift, nats per token", *(_number(arm.drift, ".3f") for arm in arms)),
        ("words per answer", *(_number(arm.form.words if arm.form else None, ".0f") for arm in arms)),
        ("cut off", *(_share(arm.form.truncated if arm.form else None) for arm in arms)),
        ("looping", *(_share(arm.form.looping if arm.form else None) for arm in arms)),
        ("empty", *(_share(arm.form.empty if arm.form else None) for arm in arms)),
    ]
    return [row for row in rows if any(value != _ABSENT for value in row[1:])]


def restraint_line(training: Training | None) -> str:
    """What was left of the adapter before anyone judged it; empty when restraint did not measure."""
    if training is None or training.drift is None:
        return ""
    drift = f"it then drifted by {training.drift:.3f} nats per token on replay"
    if training.scale >= 1:
        return f"the adapter kept its whole scale: {drift.replace('then drifted', 'drifted')}"
    return f"the adapter was taken back to {training.scale * 100:.0f} % of its scale: {drift}"


def left_out_line(report: EvalReport) -> str:
    """What was too long to be learnt or asked; empty where all of it fitted."""
    examples = 0 if report.training is None else report.training.too_long
    parts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((examples, "example"), (report.too_long, "held-out prompt or pair"))
        if count
    ]
    return f"left out, as too long: {' and '.join(parts)}" if parts else ""


def _named(statements: Mapping[str, str], key: str) -> str:
    return f"“{statements.get(key, key)}”"


def _rate(rate: Rate | None) -> str:
    return (
        _ABSENT
        if rate is None or rate.share is None
        else f"{_share(rate.share)} ({rate.passed} of {rate.asked})"
    )


def _share(share: float | None) -> str:
    return _ABSENT if share is None else f"{share * 100:.0f} %"


def _number(value: float | None, form: str) -> str:
    return _ABSENT if value is None else format(value, form)
