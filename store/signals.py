"""Mined evidence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from store.database import Database
from store.errors import Unstorable
from store.identity import check_id
from store.json_forms import instant, instant_text
from store.records import Signal


class Signals:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, signals: Iterable[Signal]) -> int:
        """The number of new ones; all or none. Raises WrongId, Unstorable, UnknownId for what they name."""
        with self._database.transaction():
            return sum([self._add(signal) for signal in signals])

    def _add(self, signal: Signal) -> bool:
        check_id(signal, "signal")
        if signal.polarity not in (-1, 0, 1) or not 0 < signal.confidence <= 1:
            wrong = f"polarity {signal.polarity} or confidence {signal.confidence} is out of range"
            raise Unstorable(f"signal {signal.id!r}", wrong)
        self._database.require("interactions", "interaction", signal.interaction)
        self._database.require("feedback", "feedback", signal.feedback)
        return self._database.insert(
            "signals",
            {
                "id": signal.id,
                "detector": signal.detector,
                "at": instant_text(signal.at),
                "polarity": signal.polarity,
                "confidence": float(signal.confidence),
                "quote": signal.quote,
                "interaction": signal.interaction,
                "conversation": signal.conversation,
                "feedback": signal.feedback,
            },
        )

    def all(self) -> list[Signal]:
        """Ordered by (at, id)."""
        return [read_signal(row) for row in self._database.rows("SELECT * FROM signals ORDER BY at, id")]

    def get(self, ids: Iterable[str]) -> list[Signal]:
        """In the order asked. Raises UnknownId."""
        return [read_signal(row) for row in self._database.asked("signals", "signal", ids)]


def read_signal(row: sqlite3.Row) -> Signal:
    return Signal(
        id=row["id"],
        detector=row["detector"],
        at=instant(row["at"]),
        polarity=row["polarity"],
        confidence=row["confidence"],
        quote=row["quote"],
        interaction=row["interaction"],
        conversation=row["conversation"],
        feedback=row["feedback"],
    )
