"""What is printed and where: data on standard output, everything else on standard error.

Nothing that a model or a stranger wrote reaches a terminal with its control characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from persona.visible import one_line, visible

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_ON_ONE_LINE = 100  # characters of a cell
_LONG = 20  # units of work, from which on a step's progress is worth lines of its own


def say(text: str = "") -> None:
    """Data, for people: a line on standard output."""
    print(visible(text))  # noqa: T201


def tell(text: str) -> None:
    """A message: a line on standard error."""
    print(visible(text), file=sys.stderr)  # noqa: T201


def say_json(data: Any) -> None:
    """Data, for programs. Times become ISO 8601, other values are JSON already."""
    print(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))  # noqa: T201


def say_json_line(data: Any) -> None:
    """The same on one line, at once: for a stream of objects."""
    print(json.dumps(data, ensure_ascii=False, default=_plain), flush=True)  # noqa: T201


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: drawn by rich on a terminal, aligned columns with nothing cut off elsewhere."""
    cells = [[one_line(visible(cell), _ON_ONE_LINE) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(headings, cells)
        return
    widths = [max(len(row[column]) for row in (headings, *cells)) for column in range(len(headings))]
    for row in (headings, *cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())  # noqa: T201


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD  # only for terminals
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: nothing in a cell is markup
    Console().print(table)


def when(at: datetime | None) -> str:
    """A time as people read it, in their zone, to the minute."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M")


OnProgress = Callable[[Mapping[str, Any]], None]


@contextmanager
def progress() -> Iterator[OnProgress]:
    """Takes {"step", "done", "total"} and maybe a "stage", and shows it on standard error.

    A bar per step on a terminal; elsewhere a line for each new step and each tenth of a long one.
    """
    if sys.stderr.isatty():
        with _bars() as on_progress:
            yield on_progress
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[OnProgress]:
    from rich.console import Console  # only for terminals
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(event: Mapping[str, Any]) -> None:
            step = _step(event)
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=event.get("total"))
            bars.update(tasks[step], completed=event["done"], total=event.get("total"))

        yield show


def _step(event: Mapping[str, Any]) -> str:
    stage, step = event.get("stage"), str(event["step"])
    return visible(step if stage in (None, step) else f"{stage}: {step}")


def _lines() -> OnProgress:
    said: dict[str, int] = {}

    def show(event: Mapping[str, Any]) -> None:
        step, done, total = _step(event), event["done"], event.get("total")
        tenths = done * 10 // total if total else 0
        if step not in said:
            tell(step)
        elif total and total >= _LONG and tenths > said[step]:
            tell(f"{step}: {done} of {total}")
        said[step] = max(tenths, said.get(step, 0))

    return show
