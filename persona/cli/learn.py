"""What goes into learning, and learning itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from persona.cli.output import AsJson, progress, say, say_json, tell
from persona.cli.session import opened
from persona.errors import BadInput, SomeSkipped

if TYPE_CHECKING:
    from collections.abc import Callable


def import_files(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="One conversation a line.")],
    form: Annotated[str, typer.Option("--format", help="The format of the files: persona.")] = "persona",
    as_json: AsJson = False,
) -> None:
    """Read interactions; what is there already is not added again. Lines that do not fit are skipped."""
    if form != "persona":
        raise BadInput(f"format {form!r} is not known: persona is")
    from persona.capture.interchange import import_file, require_readable
    from persona.distill import revise_ledger

    require_readable(files)
    rows: list[dict[str, Any]] = []
    with opened(context) as persona, progress() as on_progress:
        for file in files:
            found = import_file(persona.store, file, on_progress=_bytes_of(file, on_progress))
            for skipped in found.skipped:
                tell(f"{file}:{skipped.line}: {skipped.reason}")
            rows.append(
                {
                    "file": str(file),
                    "conversations": found.conversations,
                    "interactions": found.added.interactions,
                    "messages": found.added.messages,
                    "feedback": found.added.feedback,
                    "statements": found.added.statements,
                    "skipped": [{"line": s.line, "reason": s.reason} for s in found.skipped],
                }
            )
        revise_ledger(persona.store)
    if as_json:
        say_json({"files": rows})
    else:
        for row in rows:
            say(
                f"{row['file']}: {row['conversations']} conversations; new are {row['interactions']} "
                f"interactions, {row['feedback']} acts of feedback, {row['statements']} stated preferences"
            )
    skipped_lines = sum(len(row["skipped"]) for row in rows)
    if skipped_lines:
        raise SomeSkipped(skipped_lines, "line" if skipped_lines == 1 else "lines")


def _bytes_of(file: Path, on_progress: Callable[[dict[str, Any]], None]) -> Callable[[int, int], None]:
    return lambda done, total: on_progress({"step": f"import {file.name}", "done": done, "total": total})


def train(
    context: typer.Context,
    now: Annotated[bool, typer.Option("--now", help="Run the night now, and wait for its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Learn what is new: build a revision, judge it, and put it in use if it is better. A daemon that runs
    does it, and makes way to answers; without one it runs here, last in every queue, until it is done."""
    if not now:
        raise BadInput("say when: `persona train --now` runs the night now")
    from persona.answers.learning import night_json
    from persona.daemon.elsewhere import DaemonNights

    with opened(context) as persona, progress() as on_progress:
        daemon = DaemonNights.of(persona)
        try:
            result = persona.night(on_progress) if daemon is None else daemon.run(persona, on_progress)
        except KeyboardInterrupt:
            if daemon is not None:
                tell("the night goes on in the daemon; `persona status` says how")
            raise
    if as_json:
        say_json(night_json(result))
        return
    say(f"{result.outcome}: {result.revision}" if result.revision else str(result.outcome))
    for reason in result.reasons:
        say(f"  {reason}")


def prefer(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you prefer, in your own words.")],
    as_json: AsJson = False,
) -> None:
    """State a preference. It shows in the ledger at once, and the next night learns it."""
    from persona.answers import learning

    with opened(context) as persona:
        found = learning.prefer(persona, text)
    if as_json:
        say_json(found)
        return
    for change in found["changes"]:
        say(f"{change['kind'].replace('_', ' ')}: {change['statement']} ({change['reason']})")
    if not found["changes"]:
        say("nothing changes: it is known already")
