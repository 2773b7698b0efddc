"""Two revisions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from persona.cli.output import AsJson, progress, say, say_json, say_table
from persona.cli.session import opened
from persona.morning.scores import score_rows

if TYPE_CHECKING:
    from persona.answers.comparison import DataChange


def diff(
    context: typer.Context,
    a: Annotated[
        str, typer.Argument(metavar="A", help="A revision: r7, r0 for the base, champion, or an id.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    prompts: Annotated[
        int, typer.Option("--prompts", metavar="N", min=0, help="How many prompts to ask.")
    ] = 6,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", metavar="N", min=1, help="Where an answer is cut off.")
    ] = 160,
    as_json: AsJson = False,
) -> None:
    """Show what two revisions answer to held-out prompts, and what changed in data and scores."""
    from persona.answers.comparison import compare

    with opened(context) as persona, progress() as on_progress:
        found = compare(persona, a, b, prompts=prompts, max_tokens=max_tokens, on_progress=on_progress)
    if as_json:
        say_json(found.to_json())
        return
    _say_change(found.names, found.change)
    if all(found.arms):
        say()
        say_table(
            ("measured", *found.names), score_rows([arm for arm in found.arms if arm], found.statements)
        )
    for question, one, two in found.answers:
        say(f"\n> {question}")
        say(f"[{found.names[0]}] {one}")
        say(f"[{found.names[1]}] {two}")


def _say_change(names: tuple[str, str], change: DataChange) -> None:
    say(f"from {names[0]} to {names[1]}")
    say(f"  examples: {change.examples_added} more, {change.examples_removed} gone")
    for statement in change.preferences_added:
        say(f"  + “{statement}”")
    for statement in change.preferences_removed:
        say(f"  - “{statement}”")
