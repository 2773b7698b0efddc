"""Numbers become places on a drawing: the geometry of the page's plots, without a word of markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from persona.report import Arm, EvalReport, Rate

WIDTH, LABEL, BAR, GAP = 720, 300, 12, 4  # pixels
_CURVE_HEIGHT, _MARGIN = 180, 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One arm's part of a measure; `width` in pixels, `text` beside it. `arm` chooses the colour."""

    arm: str
    y: float
    width: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A name and its bars, from top to bottom."""

    name: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    height: float
    measures: tuple[Measure, ...]
    limit: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`points` is what an SVG polyline takes."""

    name: str
    points: str
    last: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    width: float
    height: float
    lines: tuple[Line, ...]
    steps: int
    top: float


def score_bars(report: EvalReport) -> Bars:
    """Every share that was measured, as one bar an arm."""
    arms = (("base", report.base), ("before", report.champion), ("after", report.candidate))
    measures = []
    for name, rates in _shares(report, [arm for _, arm in arms]):
        found = [(arm, rate) for (arm, _), rate in zip(arms, rates, strict=True) if _known(rate)]
        measures.append((name, [(arm, _share(rate), _text(rate)) for arm, rate in found]))
    return _stacked([(name, bars) for name, bars in measures if bars], longest=1.0)


def drift_bars(report: EvalReport, *, allowed: float) -> Bars:
    """Drift of the champion before and the candidate beside what the gate allows."""
    found = [
        (arm, drift, f"{drift:.3f}")
        for arm, drift in (("before", report.champion.drift), ("after", report.candidate.drift))
        if drift is not None and math.isfinite(drift)
    ]
    longest = max([allowed, *(drift for _, drift, _ in found)]) * 1.05
    drawn = _stacked([("nats per token on neutral prompts", found)] if found else [], longest=longest)
    return Bars(height=drawn.height, measures=drawn.measures, limit=_length(allowed, longest))


def loss_curves(losses: Mapping[str, Sequence[float]]) -> Curves | None:
    """Each term over the steps, on one scale from zero; None without two steps."""
    usable = {name: values for name, values in losses.items() if len(values) > 1}
    if not usable:
        return None
    steps = max(map(len, usable.values()))
    top = max(max(values) for values in usable.values()) or 1.0
    return Curves(
        width=WIDTH,
        height=_CURVE_HEIGHT,
        steps=steps,
        top=top,
        lines=tuple(
            Line(name=name, points=_points(values, steps=steps, top=top), last=values[-1])
            for name, values in usable.items()
        ),
    )


def _points(values: Sequence[float], *, steps: int, top: float) -> str:
    across, down = WIDTH - 2 * _MARGIN, _CURVE_HEIGHT - 2 * _MARGIN / 2
    return " ".join(
        f"{_MARGIN + across * n / (steps - 1):.1f},{_MARGIN / 2 + down * (1 - max(0.0, value) / top):.1f}"
        for n, value in enumerate(values)
    )


def _stacked(measures: Sequence[tuple[str, Sequence[tuple[str, float, str]]]], *, longest: float) -> Bars:
    y = 0.0
    drawn = []
    for name, values in measures:
        top = y
        bars = []
        for arm, value, text in values:
            bars.append(Bar(arm=arm, y=y, width=_length(value, longest), text=text))
            y += BAR
        drawn.append(Measure(name=name, y=top, bars=tuple(bars)))
        y += 2 * GAP
    return Bars(height=max(y, 1.0), measures=tuple(drawn))


def _length(value: float, longest: float) -> float:
    return round(max(0.0, value) / longest * (WIDTH - LABEL - 120), 1)


def _shares(report: EvalReport, arms: Sequence[Arm]) -> list[tuple[str, list[Rate | None]]]:
    adopted = list(dict.fromkeys(key for arm in arms for key in arm.adoption))
    given_up = list(dict.fromkeys(key for arm in arms for key in arm.residue))
    names = report.statements
    return [
        *((names.get(key, key), [arm.adoption.get(key) for arm in arms]) for key in adopted),
        *((f"given up: {names.get(key, key)}", [arm.residue.get(key) for arm in arms]) for key in given_up),
        ("preferred answer likelier", [arm.pairs for arm in arms]),
        ("tool calls valid", [arm.calls_valid for arm in arms]),
        ("tool calls exact", [arm.calls_exact for arm in arms]),
    ]


def _known(rate: Rate | None) -> bool:
    return rate is not None and rate.share is not None


def _share(rate: Rate | None) -> float:
    assert rate is not None
    assert rate.share is not None
    return rate.share


def _text(rate: Rate | None) -> str:
    assert rate is not None
    return f"{_share(rate) * 100:.0f} % ({rate.passed} of {rate.asked})"
