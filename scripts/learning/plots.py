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


def write_sweep(summaries: Sequence[Summary], folder: Path) -> list[Path]:
    """sweep.png: each variant's adoption against its drift; the default is marked."""
    pyplot = _pyplot()
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(9, 6))
    for each in summaries:
        if each.drift is None or each.adoption.mean is None:
            continue
        default = each.arm == DEFAULT
        axes.scatter(
            each.drift, 100 * each.adoption.mean, marker="*" if default else "o", s=140 if default else 40
        )
        axes.annotate(each.arm, (each.drift, 100 * each.adoption.mean), fontsize=7, xytext=(4, 3),
                      textcoords="offset points")  # fmt: skip
    return [_saved(pyplot, figure, axes, "drift (nats per token)", folder / "sweep.png")]


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
    names: dict[tuple[float, float], list[str]] = {}
    for arm in dict.fromkeys(each.arm for each in summaries):
        own = [e for e in summaries if e.arm == arm and e.drift is not None and e.adoption.mean is not None]
        drifts = [each.drift for each in own]
        adopted = [100 * (each.adoption.mean or 0.0) for each in own]
        (line,) = axes.plot(drifts, adopted, linewidth=0.8)
        axes.scatter(drifts, adopted, s=[30 + 60 * (each is own[-1]) for each in own], color=line.get_color())
        if own:
            names.setdefault((round(drifts[-1] or 0.0, 3), round(adopted[-1])), []).append(arm)
    for point, arms in names.items():  # several may be at one point
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
