"""One page about one night: a single file that loads nothing, runs nothing and escapes everything."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2

from persona.morning.note import cost_line
from persona.morning.plots import drift_bars, loss_curves, score_bars
from persona.morning.scores import restraint_line, score_rows
from persona.morning.story import Morning
from persona.visible import visible


def page(morning: Morning) -> str:
    """HTML. Text of models and strangers is text in it, whatever it says."""
    report = morning.report
    training = None if report is None else report.training
    return _template().render(
        morning=morning,
        run=morning.run,
        report=report,
        cost=cost_line(morning.cost),
        scores=None if report is None else score_bars(report),
        drift=None if report is None else drift_bars(report, allowed=morning.max_drift),
        restraint=restraint_line(training),
        curves=None if training is None else loss_curves(training.losses),
        rows=()
        if report is None
        else score_rows((report.base, report.champion, report.candidate), report.statements),
    )


@cache
def _template() -> jinja2.Template:
    source = resources.files("persona.morning").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = visible
    return environment.from_string(source)
