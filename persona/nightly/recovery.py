"""What comes after a night that was cut off: by kill -9, a crash or a power cut, at any moment.

Afterwards every run of this identity has an end, nothing staged and no child is left, and nothing that the
user wrote lies in the runs' folders, but for the judgement of another identity's night that was cut off,
which its own recovery needs. Cut off itself, it is simply done again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import OperationKind, Registry
from adapters.failpoint import reach
from persona.child import end_strays
from persona.nightly.judgement import FILE as JUDGED
from persona.nightly.judgement import Judgement
from store import Store
from store.records import RunState

_RUN_NAME = re.compile(r"[0-9]{8}t[0-9]{6}-[0-9a-f]{6}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """`ended` are the runs that got their end now, each with the state that it has."""

    ended: tuple[tuple[str, RunState], ...] = ()
    strays: int = 0
    discarded: tuple[str, ...] = ()


def recover(*, runs: Path, store: Store, registry: Registry, now: datetime) -> Recovered:
    """Put in order what a night left that was cut off. Only for whoever holds the home's lock."""
    reach("recover.end_strays")
    strays = end_strays(runs)
    ended = tuple(
        (
            run.id,
            end_run(
                run.id,
                runs=runs,
                store=store,
                registry=registry,
                now=now,
                state=RunState.INTERRUPTED,
                reason="cut off before its end",
            ),
        )
        for run in store.runs.open_runs()
    )
    staged = tuple(name for name in registry.staged() if _RUN_NAME.fullmatch(name))
    for name in staged:
        reach("recover.discard")
        registry.discard(name)
    reach("recover.clear")
    clear_traces(runs, own={run.id for run in store.runs.all()})
    return Recovered(ended=ended, strays=strays, discarded=staged)


def end_run(
    run: str,
    *,
    runs: Path,
    store: Store,
    registry: Registry,
    now: datetime,
    state: RunState,
    reason: str,
    costs: Mapping[str, Any] | None = None,
) -> RunState:
    """Give a run its end: that of its judgement if this reached the registry, else `state` for `reason`."""
    judged = Judgement.read(runs / run)
    reach("recover.close")
    if judged is None or not _happened(judged, registry):
        store.runs.finish(run, state=state, ended_at=now, reasons=[reason], costs=costs)
        return state
    state = RunState.PROMOTED if judged.accepted else RunState.REJECTED
    store.runs.finish(
        run,
        state=state,
        ended_at=now,
        snapshot=judged.snapshot,
        revision=judged.revision,
        reasons=judged.reasons,
        report=judged.report,
        costs=judged.costs,
    )
    return state


def _happened(judged: Judgement, registry: Registry) -> bool:
    kind = OperationKind.PROMOTE if judged.accepted else OperationKind.REJECT
    return any(
        (operation.kind, operation.revision, operation.reason)
        == (kind, judged.revision, judged.operation_reason)
        for operation in registry.operations()
    )


def clear_traces(runs: Path, *, own: Collection[str]) -> None:
    """Delete what holds a user's words in the folders of all runs. Logs stay, and so do judgements of runs
    that are not our `own`: whose they are can tell by them how the run ended."""
    for folder in _folders(runs):
        clear_run(folder, keep=() if folder.name in own else (JUDGED,))


def clear_logs(runs: Path) -> None:
    """The rest too: the error that a child ended with may quote what it worked on. What another identity's
    recovery needs stays."""
    for folder in _folders(runs):
        if not (folder / JUDGED).exists():
            shutil.rmtree(folder)
            continue
        clear_run(folder, keep=(JUDGED,))
        for file in folder.iterdir():
            if file.name != JUDGED:
                file.unlink()


def _folders(runs: Path) -> list[Path]:
    return [folder for folder in runs.iterdir() if folder.is_dir()] if runs.is_dir() else []


def clear_run(folder: Path, *, keep: Collection[str] = ()) -> None:
    """The same for one run; its folder goes too unless something in it is kept or a log says something."""
    if not folder.exists():
        return
    for left in folder.iterdir():
        if left.is_dir():  # what a training that made room had learnt
            shutil.rmtree(left)
        elif left.name not in keep and left.suffix in (".json", ".partial"):
            left.unlink(missing_ok=True)
    if not any(left.stat().st_size for left in folder.iterdir()):
        shutil.rmtree(folder)
