"""A judgement on its way to becoming an Operation, kept on disk for the moment in between.

The operation and the end of its run lie in two places that no transaction spans. What is written here first
lets whoever comes after a crash give the run the end that it would have had.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.durable import write_file

FILE = "judged.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """All that the end of a run says; `accepted` decides between promoted and rejected."""

    accepted: bool
    snapshot: str
    revision: str
    reasons: Sequence[str]
    report: Mapping[str, Any]
    costs: Mapping[str, Any]

    @property
    def operation_reason(self) -> str:
        """The reason that the operation bears: by it a crash's successor knows whether it happened."""
        return "; ".join(self.reasons)

    def write(self, folder: Path) -> None:
        """Durable on return. It holds what the user wrote: remove it with the run's other files."""
        write_file(folder / FILE, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: Path) -> Judgement | None:
        """None when there is none."""
        try:
            plain = json.loads((folder / FILE).read_bytes())
        except FileNotFoundError:
            return None
        return cls(**{**plain, "reasons": tuple(plain["reasons"])})
