"""Figures as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learning.figures import Summary
from learning.variants import DEFAULT
from persona.errors import BadInput


def write_arms(summaries: Sequence[Summary], folder: Path) -> list[Path]:
    """adoption_over_nights.png and adoption_against_drift.png."""
    pyplot = _pyplot()
    folder.mkdir(parents=True, exist_ok=True)
    return [_over_nights(pyplot, summaries, folder), _against_drift(pyplot, summaries, folder)]


def write_sweep(summaries: Sequence[Summary], factors: Sequence[str], folder: Path) -> list[Path]:
    """sweep.png: a panel for each of `factors` that has variants. Bars are adoption with its interval, dots
    drift; the lines across are the default's."""
    pyplot = _pyplot()
    folder.mkdir(parents=True, exist_ok=True)
    (default,) = [each for each in summaries if each.arm == DEFAULT] or [None]
    panels = [(name, own) for name in factors if (own := [e for e in summaries if _is_of(e, name)])]
    if not panels:
        return []
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    figure, grid = pyplot.subplots(down, across, figsize=(4.6 * across, 3.2 * down), squeeze=False)
    for axes, (name, own) in zip(grid.flat, panels, strict=False):
        _panel(axes, name, own, default)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    figure.supylabel("bars: held-out answers that are right (%)", fontsize=9)
    figure.text(0.995, 0.5, "dots: drift (nats per token)", rotation=270, va="center", ha="right", fontsize=9)
    figure.tight_layout(rect=(0.01, 0.0, 0.975, 1.0))
    file = folder / "sweep.png"
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return [file]


def _is_of(summary: Summary, factor: str) -> bool:
    return summary.arm.startswith(f"{factor} ") and summary.adoption.mean is not None


def _panel(axes: Any, name: str, own: Sequence[Summary], default: Summary | None) -> None:
    places = range(len(own))
    labels = [each.arm.removeprefix(f"{name} ").replace(" at ", "\nat ") for each in own]
    shares = [100 * (each.adoption.mean or 0.0) for each in own]
    spans = [each.adoption.interval or (0.0, 1.0) for each in own]
    ends = [
        [100 * abs(span[n] - share / 100) for span, share in zip(spans, shares, strict=True)] for n in (0, 1)
    ]
    axes.bar(places, shares, color="#9ecae1", width=0.6, yerr=ends, ecolor="#6b8ba4", capsize=3)
    axes.set_xticks(places, labels, fontsize=7)
    axes.set_ylim(0, 105)
    axes.set_xlim(-0.7, max(2, len(own) - 1) + 0.7)
    axes.set_title(name, fontsize=10)
    drifts = axes.twinx()
    drifts.plot(places, [each.drift for each in own], "o", color="#d9480f", markersize=5)
    highest = max([each.drift or 0.0 for each in (*own, *([default] if default else []))])
    drifts.set_ylim(0, max(0.06, 1.15 * highest))
    drifts.tick_params(labelsize=7)
    axes.tick_params(axis="y", labelsize=7)
    if default is not None and default.adoption.mean is not None:
        axes.axhline(100 * default.adoption.mean, color="#3182bd", linewidth=1, linestyle="--")
        drifts.axhline(default.drift, color="#d9480f", linewidth=1, linestyle=":")


def _over_nights(pyplot: Any, summaries: Sequence[Summary], folder: Path) -> Path:
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for arm in dict.fromkeys(each.arm for each in summaries):
        own = [each for each in summaries if each.arm == arm and each.adoption.mean is not None]
        nights = [each.night for each in own]
        (line,) = axes.plot(
            nights, [100 * (each.adoption.mean or 0.0) for each in own], marker="o", label=arm
        )
        spans = [each.adoption.interval or (0.0, 1.0) for each in own]
        axes.fill_between(
            nights,
            [100 * low for low, _ in spans],
            [100 * high for _, high in spans],
            alpha=0.1,
            color=line.get_color(),
        )
    axes.set_xticks(sorted({each.night for each in summaries}))
    axes.legend(fontsize=8)
    return _saved(pyplot, figure, axes, "night", folder / "adoption_over_nights.png")


def _against_drift(pyplot: Any, summaries: Sequence[Summary], folder: Path) -> Path:
    """One point a night, joined in their order; the last is the largest, and bears the name."""
    figure, axes = pyplot.subplots(figsize=(8, 5))
    names: dict[tuple[int, int], tuple[tuple[float, float], list[str]]] = {}  # by about where they stand
    for arm in dict.fromkeys(each.arm for each in summaries):
        own = [e for e in summaries if e.arm == arm and e.drift is not None and e.adoption.mean is not None]
        drifts = [each.drift for each in own]
        adopted = [100 * (each.adoption.mean or 0.0) for each in own]
        (line,) = axes.plot(drifts, adopted, linewidth=0.8)
        axes.scatter(drifts, adopted, s=[30 + 60 * (each is own[-1]) for each in own], color=line.get_color())
        if own:
            last = (drifts[-1] or 0.0, adopted[-1])
            names.setdefault((round(last[0] * 100), round(last[1] / 4)), (last, []))[1].append(arm)
    for point, arms in names.values():  # several may be at one point
        axes.annotate(", ".join(arms), point, fontsize=8, xytext=(9, 4), textcoords="offset points")
    axes.margins(x=0.15)
    return _saved(pyplot, figure, axes, "drift (nats per token)", folder / "adoption_against_drift.png")


def _saved(pyplot: Any, figure: Any, axes: Any, across: str, file: Path) -> Path:
    axes.set_xlabel(across)
    axes.set_ylabel("held-out answers that are right (%)")
    axes.set_ylim(-2, 102)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
    return file


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError:
        raise BadInput("--plots needs matplotlib: PERSONA_EXTRAS=dev ./scripts/setup") from None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt
