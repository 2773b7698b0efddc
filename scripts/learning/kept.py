"""Documents by what decides them: what was answered or measured once is not answered or measured again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.digest import tagged_digest
from adapters.durable import write_file


def key_of(decided_by: Mapping[str, Any]) -> str:
    """A short name for plain values: equal values have equal names."""
    return tagged_digest("learning-1", decided_by).rpartition(":")[2][:32]


class Kept:
    """JSON objects in one folder, a file each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def get(self, decided_by: Mapping[str, Any]) -> dict[str, Any] | None:
        """None when it was not kept, or does not read."""
        try:
            found = json.loads(self._file(decided_by).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, decided_by: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        """Durable on return."""
        write_file(self._file(decided_by), json.dumps(document, ensure_ascii=False).encode())

    def _file(self, decided_by: Mapping[str, Any]) -> Path:
        return self._folder / f"{key_of(decided_by)}.json"
