"""What a night leaves to the morning after, and the diary that remembers it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from adapters import Bare, Revision
from adapters.durable import write_file
from adapters.layout import WEIGHTS
from persona.precedents import Precedent
from store.json_forms import preference_from_json, preference_json
from store.records import Preference


@dataclass(frozen=True, kw_only=True, slots=True)
class Morning:
    """Who answers: `revision` of the registry at `adapters` ("r0" and None: the bare base), with `said` in
    its prompts, and `precedents` before its calls. training and verdict are as in learning.cells.Cell.
    """

    revision: str = "r0"
    adapters: Path | None = None
    bytes: int = 0
    said: tuple[Preference, ...] = ()
    precedents: tuple[Precedent, ...] = ()
    training: Mapping[str, float] = field(default_factory=dict)
    verdict: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return {
            "revision": self.revision,
            "adapters": None if self.adapters is None else str(self.adapters),
            "bytes": self.bytes,
            "said": [preference_json(each) for each in self.said],
            "precedents": [each.to_json() for each in self.precedents],
            "training": dict(self.training),
            "verdict": self.verdict,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Morning:
        return cls(
            revision=plain["revision"],
            adapters=None if plain["adapters"] is None else Path(plain["adapters"]),
            bytes=plain["bytes"],
            said=tuple(preference_from_json(each) for each in plain["said"]),
            precedents=tuple(map(Precedent.from_json, plain.get("precedents", ()))),
            training=plain["training"],
            verdict=plain["verdict"],
        )


def morning_of(revision: Revision | Bare, adapters: Path, **more: Any) -> Morning:
    """The morning on which this revision answers."""
    if isinstance(revision, Bare):
        return Morning(**more)
    size = revision.files[WEIGHTS].size
    return Morning(revision=revision.id, adapters=adapters, bytes=size, **more)


class Life(Protocol):
    """One person's nights with one way of learning; `folder` is its own and holds its state.

    A night that was cut off is lived again and leaves the same state. Nights come in order.
    """

    @property
    def folder(self) -> Path: ...

    def live(self, night: int) -> dict[str, Morning]:
        """The mornings after this night, by arm."""
        ...


def lived(life: Life, night: int) -> dict[str, Morning]:
    """The mornings after `night`, which is lived first if need be, and all nights before it."""
    found: dict[str, Morning] = {}
    life.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in range(1, night + 1):
        page = life.folder / f"night-{each}.json"
        if page.exists():
            found = {arm: Morning.from_json(plain) for arm, plain in json.loads(page.read_bytes()).items()}
        else:
            found = life.live(each)
            write_file(page, json.dumps({arm: one.to_json() for arm, one in found.items()}).encode())
    return found
