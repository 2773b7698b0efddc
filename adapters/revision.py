"""What a build is made from, and the immutable Revision that came of it; r0 is the bare base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from adapters import layout
from adapters.digest import Json, plain, tagged_digest
from adapters.errors import NoSuchFile

BARE_ID = "r0"


class RevisionState(StrEnum):
    """Derived from the operation log, never stored."""

    CANDIDATE = "candidate"  # published, no operation names it yet
    CHAMPION = "champion"
    FORMER = "former"  # was the champion
    REJECTED = "rejected"
    RETIRED = "retired"  # out of service for good


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseRef:
    """The base that a build stands on. `fingerprint` covers all that changes what an adapter means on it; the
    other fields say which part differs when two fingerprints do. `gguf` is empty for a base without one.
    """

    name: str
    fingerprint: str
    weights: str
    tokenizer: str
    template: str
    quantisation: str
    gguf: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRecord:
    """Digest and size in bytes of one published file."""

    digest: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """The inputs of a revision. `parent` is a revision id or "r0"; `recipe` and `versions` hold plain JSON.

    Raises ValueError for a recipe that is not JSON, a bad parent or a time without a zone.
    """

    identity: str
    parent: str
    base: BaseRef
    snapshot: str
    recipe: Mapping[str, Json] = field(hash=False)
    seed: int
    versions: Mapping[str, str] = field(hash=False)
    created_at: datetime

    def __post_init__(self) -> None:
        if self.parent != BARE_ID and not layout.REVISION_ID.fullmatch(self.parent):
            raise ValueError(f"parent {self.parent!r} is neither a revision id nor {BARE_ID}")
        if self.created_at.tzinfo is None:
            raise ValueError(f"created_at {self.created_at} has no time zone")
        # What reading the manifest will give back: tuples of a recipe become lists here and not there.
        object.__setattr__(self, "recipe", plain(self.recipe))
        object.__setattr__(self, "versions", plain(self.versions))

    @property
    def build_key(self) -> str:
        return build_key(
            base=self.base.fingerprint, snapshot=self.snapshot, recipe=self.recipe, seed=self.seed
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision(Build):
    """A published build. `id` is a hash of its manifest, `number` is for people."""

    id: str
    number: int
    files: Mapping[str, FileRecord] = field(hash=False)
    path: Path

    def __post_init__(self) -> None:
        """Nothing to check: its manifest was written from a Build."""

    @property
    def ref(self) -> str:
        return f"r{self.number}"

    def file(self, name: str) -> Path:
        """Where the file lies. Raises NoSuchFile if it was published without."""
        if name not in self.files:
            raise NoSuchFile(self.ref, name)
        return self.path / name


@dataclass(frozen=True, kw_only=True, slots=True)
class Bare:
    """r0: the base without any adapter. It has no files and cannot be lost."""

    id: str = BARE_ID
    ref: str = BARE_ID
    number: int = 0


BARE = Bare()


def build_key(*, base: str, snapshot: str, recipe: Mapping[str, Json], seed: int) -> str:
    """Names what decides a build: equal keys, equal builds. `base` is the fingerprint of the base."""
    return tagged_digest("build1", {"base": base, "snapshot": snapshot, "recipe": recipe, "seed": seed})
