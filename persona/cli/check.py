"""One thing that `doctor` looked at: how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    name: str
    state: State
    what: str
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
