"""A Cell: all that was measured of one arm, for one person, after one night, with one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from persona.report import Rate

_RATES = ("adoption", "retention", "residue", "calls")
_RATES_BY_NAME = ("wishes", "contested", "abilities")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What a cell is of. In a sweep the arm is the name of a variant of the recipe."""

    arm: str
    person: str
    night: int
    seed: int

    def __str__(self) -> str:
        seed = f", seed {self.seed}" if self.seed else ""
        return f"{self.person}, night {self.night}{seed}: {self.arm}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Rates are over held-out prompts; one that was not asked has no share.

    adoption: answers that are all the person wants (HeldOut.right). retention: preferences that are in force
    since an earlier night, once a prompt, that the answer keeps. residue: the same of what was given up or
    was never the person's. calls: exact ones. wishes: each preference in force by its statement. contested:
    the same of what the person contradicts: none is wrong, but what moved away from the base arm's leans to
    a side. right: one 0 or 1 a prompt. drift: nats a token, of the weights alone. abilities: by part of the
    suite. form: words, and shares of answers that were cut off, loop or are empty. training, judging: seconds
    (cpu_seconds: of all threads, which other work disturbs less) and what else is known; training is empty
    where nothing was trained. verdict: of persona's gate. code: the state of the code that measured. machine:
    the processor and how many of its cores the measuring had, "" where an older cell does not say.
    """

    key: str
    case: Case
    adoption: Rate
    retention: Rate
    residue: Rate
    calls: Rate
    right: tuple[int, ...]
    drift: float | None
    bytes: int
    revision: str
    code: str
    wishes: Mapping[str, Rate] = field(default_factory=dict)
    contested: Mapping[str, Rate] = field(default_factory=dict)
    abilities: Mapping[str, Rate] = field(default_factory=dict)
    form: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, float] = field(default_factory=dict)
    judging: Mapping[str, float] = field(default_factory=dict)
    verdict: Mapping[str, Any] | None = None
    machine: str = ""

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Cell:
        """Raises KeyError or TypeError for what is no cell."""
        values = dict(plain)
        values["case"] = Case(**plain["case"])
        values["right"] = tuple(plain["right"])
        for name in _RATES:
            values[name] = Rate(**plain[name])
        values.setdefault("contested", {})  # lines that are older than the field
        for name in _RATES_BY_NAME:
            values[name] = {key: Rate(**rate) for key, rate in values[name].items()}
        return cls(**values)

    @property
    def able(self) -> Rate:
        """All parts of the capability suite together."""
        return pooled(self.abilities.values())


def pooled(rates: Any) -> Rate:
    """Several rates as one, each prompt counted once."""
    each = list(rates)
    return Rate(passed=sum(rate.passed for rate in each), asked=sum(rate.asked for rate in each))
