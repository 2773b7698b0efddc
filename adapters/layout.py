"""Where the files of a registry lie, and which names they may have.

ROOT/HEAD                              names the last operation; its rename is the commit point
ROOT/pins.json                         which revisions someone wants to keep
ROOT/lock                              empty; flock on it for every mutation
ROOT/operations/000007.json            one operation each, never rewritten once HEAD reached it
ROOT/revisions/rev-<24 hex>/           one immutable revision each, with its manifest.json
ROOT/staging/<name>/                   candidates in the making
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from adapters.errors import BadName

MANIFEST = "manifest.json"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
GGUF = "adapter.gguf"
REQUIRED_FILES = frozenset({CONFIG, WEIGHTS})
ADAPTER_FILES = REQUIRED_FILES | {GGUF}

REVISION_ID = re.compile(r"rev-[0-9a-f]{24}")
_OPERATION_FILE = re.compile(r"([0-9]{6,})\.json")
_STAGING_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one registry. Touches no disk."""

    root: Path

    @property
    def head(self) -> Path:
        return self.root / "HEAD"

    @property
    def pins(self) -> Path:
        return self.root / "pins.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def operations(self) -> Path:
        return self.root / "operations"

    @property
    def revisions(self) -> Path:
        return self.root / "revisions"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    def operation(self, number: int) -> Path:
        return self.operations / f"{number:06d}.json"

    def revision(self, revision_id: str) -> Path:
        return self.revisions / revision_id

    def staged(self, name: str) -> Path:
        """Raises BadName for anything that could lead out of staging/."""
        if not _STAGING_NAME.fullmatch(name):
            raise BadName(name)
        return self.staging / name


def operation_number(file_name: str) -> int | None:
    """The number of the operation that a file of this name holds; None if it can hold none."""
    match = _OPERATION_FILE.fullmatch(file_name)
    return int(match[1]) if match else None
