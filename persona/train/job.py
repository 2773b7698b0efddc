"""What goes into the trainer's process and what comes out: two frozen values with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from persona.train.recipe import Recipe
from store.json_forms import example_from_json, example_json, preference_from_json, preference_json
from store.records import Example, Preference


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingJob:
    """`out` is an empty staging folder of the registry; `reference` caches base log-probabilities of pairs.

    `preferences` are those in force, with their checkers, for practice.
    `device` is "cpu", "cuda" or "auto"; `threads` 0 leaves the choice to torch. `halvings` says how often the
    portions that are computed at once were halved for want of memory: a step's rows and loss stay the same.
    `checkpoint` is where a training that is told to end keeps what it has done, and where the next goes on
    from. Without it, being told to end is the end. `start` is the folder of an adapter of the same shape to
    go on from: a night builds from nothing, and a comparison may want to know what that is worth. With less
    than `least_examples` there have to be preferences that change enough of the base's answers in practice.
    """

    home: Path
    base: str
    base_fingerprint: str
    examples: tuple[Example, ...]
    recipe: Recipe
    out: Path
    reference: Path
    preferences: tuple[Preference, ...] = ()
    device: str = "auto"
    threads: int = 0
    halvings: int = 0
    checkpoint: Path | None = None
    start: Path | None = None
    least_examples: int = 1

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return {
            "home": str(self.home),
            "base": self.base,
            "base_fingerprint": self.base_fingerprint,
            "examples": [{"id": e.id, **example_json(e)} for e in self.examples],
            "recipe": self.recipe.to_json(),
            "out": str(self.out),
            "reference": str(self.reference),
            "preferences": [preference_json(each) for each in self.preferences],
            "device": self.device,
            "threads": self.threads,
            "halvings": self.halvings,
            "checkpoint": None if self.checkpoint is None else str(self.checkpoint),
            "start": None if self.start is None else str(self.start),
            "least_examples": self.least_examples,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> TrainingJob:
        return cls(
            home=Path(plain["home"]),
            base=plain["base"],
            base_fingerprint=plain["base_fingerprint"],
            examples=tuple(example_from_json(e["id"], e) for e in plain["examples"]),
            recipe=Recipe.from_json(plain["recipe"]),
            out=Path(plain["out"]),
            reference=Path(plain["reference"]),
            preferences=tuple(preference_from_json(each) for each in plain["preferences"]),
            device=plain["device"],
            threads=plain["threads"],
            halvings=plain["halvings"],
            checkpoint=None if plain["checkpoint"] is None else Path(plain["checkpoint"]),
            start=None if plain["start"] is None else Path(plain["start"]),
            least_examples=plain["least_examples"],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOutcome:
    """What a finished training says of itself. Seconds by phase; losses are means over the last tenth.

    `rows` counts the user's rows, `practice` the others that were trained on beside replay.
    `too_long` are examples that were left out; `device`, `dtype` and `quantisation` are what was used.
    `scale` is what was left of the adapter after restraint, `drift` what it then measured (nats per token).
    """

    rows: int
    pairs: int
    practice: int
    too_long: tuple[str, ...]
    steps: int
    trained_tokens: int
    parameters: int
    device: str
    dtype: str
    quantisation: str
    replay: str
    losses: Mapping[str, float]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]
    scale: float = 1.0
    drift: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> TrainingOutcome:
        return cls(**{**plain, "too_long": tuple(plain["too_long"])})
