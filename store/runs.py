"""The nights. Invariant: at most one has no end, and an end is written once."""

# ruff: noqa: S608  # SQL is put together from names and conditions of ours; values are parameters

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from store.database import Database
from store.errors import RunFinished, RunOpen, UnknownId, Unstorable
from store.json_forms import dumps, instant, instant_text
from store.records import Json, Run, RunState


class Runs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, run: Run) -> None:
        """Raises RunOpen while another one has no end, RunFinished when this one has had its end."""
        if run.state is not RunState.STARTED:
            raise Unstorable(f"run {run.id!r}", f"it starts as {run.state}, not as {RunState.STARTED}")
        with self._database.transaction():
            for open_run in self.open_runs():
                if open_run.id != run.id:
                    raise RunOpen(run.id, open_run.id)
            if not self._database.insert("runs", {"id": run.id, "started_at": instant_text(run.started_at)}):
                before = self.get(run.id)
                if before.state is not RunState.STARTED:
                    raise RunFinished(run.id, before.state)

    def finish(
        self,
        run_id: str,
        *,
        state: RunState,
        ended_at: datetime,
        snapshot: str | None = None,
        revision: str | None = None,
        reasons: Sequence[str] = (),
        report: Mapping[str, Json] | None = None,
        costs: Mapping[str, Json] | None = None,
    ) -> None:
        """Once. Raises UnknownId for the run and the snapshot, RunFinished the second time."""
        if state is RunState.STARTED:
            raise Unstorable(f"the end of run {run_id!r}", f"{state} is no end")
        with self._database.transaction():
            self._database.require("runs", "run", run_id)
            self._database.require("snapshots", "snapshot", snapshot)
            new = self._database.insert(
                "run_ends",
                {
                    "run": run_id,
                    "state": state.value,
                    "ended_at": instant_text(ended_at),
                    "snapshot": snapshot,
                    "revision": revision,
                    "reasons": dumps(list(reasons)),
                    "report": None if report is None else dumps(report),
                    "costs": dumps(costs or {}),
                },
            )
            if not new:
                raise RunFinished(run_id, self.get(run_id).state)

    def all(self) -> list[Run]:
        """Oldest first."""
        return self._read("ORDER BY started_at, seq")

    def recent(self, count: int) -> list[Run]:
        """The last `count`, oldest first."""
        return self._read("ORDER BY started_at DESC, seq DESC LIMIT ?", count)[::-1]

    def get(self, run_id: str) -> Run:
        """Raises UnknownId."""
        for run in self._read("WHERE id = ?", run_id):
            return run
        raise UnknownId("run", run_id)

    def latest(self) -> Run | None:
        """The one started last."""
        return next(iter(self._read("ORDER BY started_at DESC, seq DESC LIMIT 1")), None)

    def of_revision(self, revision: str) -> Run | None:
        """The latest run that made this revision."""
        return next(
            iter(self._read("WHERE revision = ? ORDER BY started_at DESC, seq DESC LIMIT 1", revision)), None
        )

    def open_runs(self) -> list[Run]:
        """Those without an end: the one at work, or one that was cut off."""
        return self._read("WHERE state IS NULL ORDER BY started_at, seq")

    def _read(self, which: str, *values: str | int) -> list[Run]:
        sql = f"SELECT * FROM runs LEFT JOIN run_ends ON run_ends.run = runs.id {which}"
        return [_run(row) for row in self._database.rows(sql, values)]


def _run(row: sqlite3.Row) -> Run:
    if row["state"] is None:
        return Run(id=row["id"], started_at=instant(row["started_at"]), state=RunState.STARTED)
    return Run(
        id=row["id"],
        started_at=instant(row["started_at"]),
        state=RunState(row["state"]),
        ended_at=instant(row["ended_at"]),
        snapshot=row["snapshot"],
        revision=row["revision"],
        reasons=tuple(json.loads(row["reasons"])),
        report=None if row["report"] is None else json.loads(row["report"]),
        costs=json.loads(row["costs"]),
    )
