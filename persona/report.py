"""An EvalReport: what was measured on a candidate, beside champion and base.

Plain values only; its JSON is kept with the run and is what the gate reads. A number that could not be
measured is None, never 0: the gate refuses what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_LUCK = 2  # checks
_CLEAR = 0.1  # of all checks


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """`passed` of `asked` held-out prompts."""

    passed: int
    asked: int

    @property
    def share(self) -> float | None:
        return self.passed / self.asked if self.asked else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The outer shape of the generated answers. `words` is their mean; the others are shares of `answers`,
    whose number reports of earlier versions do not say (0). So many `besides`, to neutral prompts, count for
    loops and emptiness too: whether an answer ends depends on what was asked."""

    words: float
    truncated: float
    looping: float
    empty: float
    answers: int = 0
    besides: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One revision under test.

    adoption: by preference id, on prompts where it applies, with the statement withheld from the prompt.
    residue: by id of a superseded preference, how often the old style still shows (passed = it shows).
    pairs: held-out pairs whose chosen side is likelier per token than the rejected one.
    calls_valid, calls_exact: answers to held-out tool requests that are a call of a tool on offer whose
        arguments fit its schema; and that equal the wanted call.
    prose_kept: small talk behind the user's own tools that is answered without a call; None where the user
        has none, and in earlier reports.
    drift: mean KL(base || revision) per token on the base's answers to neutral prompts, in nats.
    """

    revision: str
    adoption: Mapping[str, Rate] = field(default_factory=dict)
    residue: Mapping[str, Rate] = field(default_factory=dict)
    pairs: Rate | None = None
    calls_valid: Rate | None = None
    calls_exact: Rate | None = None
    prose_kept: Rate | None = None
    drift: float | None = None
    form: Form | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """Over the held-out prompts to which one preference is said: `own` is how often it is kept where it
    applies, `all` every active one that applies, once a prompt; `withheld` without the statements in the
    prompt, `said` with them. `alone`: no other statement was in the prompts.
    """

    own_withheld: Rate
    own_said: Rate
    all_withheld: Rate
    all_said: Rate
    alone: bool = False

    @property
    def costs(self) -> bool:
        """More is lost than gained, by more than an answer's luck: two checks, and a tenth."""
        lost = self.all_withheld.passed - self.all_said.passed
        return lost >= max(_LUCK, _CLEAR * self.all_withheld.asked)

    @property
    def gains(self) -> bool:
        return self.own_said.passed > self.own_withheld.passed

    @property
    def idle(self) -> bool:
        """It is kept no more often for being said, and fewer checks pass."""
        return not self.gains and self.all_said.passed < self.all_withheld.passed

    @property
    def harms(self) -> bool:
        """What gains by being said beside others may not be what costs them: earlier reports know no more."""
        return self.idle or (self.costs and self.alone)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What saying `preferences` (ids) in the prompt does for a revision whose weights do not carry them.

    Over the held-out prompts to which they are said, every active preference that applies, once a prompt:
    `withheld` is kept without their statements in the prompt, `said` with all of them. `each` looks at one of
    them by itself; it is empty in reports that are older than it.
    """

    preferences: tuple[str, ...]
    withheld: Rate
    said: Rate
    each: Mapping[str, Spoken] = field(default_factory=dict)

    @property
    def harmful(self) -> tuple[str, ...]:
        """A small base is led astray by a statement that it does not understand."""
        return tuple(key for key in self.preferences if key in self.each and self.each[key].harms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalled:
    """Exact calls of the candidate on the held-out requests that want one: without precedents in the prompt,
    and with them where they would stand (persona.precedents)."""

    without: Rate
    with_them: Rate

    @property
    def gains(self) -> bool:
        """They cost a second reading of the prompt, so as good is not enough."""
        return self.with_them.passed > self.without.passed


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One held-out prompt with the answers of all arms, for people to read."""

    prompt: str
    base: str
    champion: str
    candidate: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How the build went. `losses` has one number a step by term, unweighted; `too_long` were left out.

    `scale` is what restraint left of the adapter, 1 for all of it; `drift` what it measured then on replay,
    in nats per token, None when it did not measure.
    """

    rows: int
    pairs: int
    too_long: int
    steps: int
    tokens: int
    device: str
    losses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    scale: float = 1.0
    drift: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalReport:
    """`statements` names the preferences by id; `engine` is the kind that generated. `told` is about the
    candidate, None when its weights carry all that was asked; so is `precedents`, None where they stand
    before no request. `training` is None for a candidate that an earlier night built. `too_long` held-out
    prompts and pairs did not fit the engine and were left out."""

    candidate: Arm
    champion: Arm
    base: Arm
    statements: Mapping[str, str]
    engine: str
    samples: tuple[Sample, ...] = ()
    seconds: float = 0.0
    training: Training | None = None
    told: Told | None = None
    precedents: Recalled | None = None
    too_long: int = 0

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        plain = asdict(self)
        plain["samples"] = list(plain["samples"])
        if self.told is not None:
            plain["told"]["preferences"] = list(self.told.preferences)
        if self.training is not None:
            plain["training"]["losses"] = {term: list(each) for term, each in self.training.losses.items()}
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> EvalReport:
        """Raises KeyError or TypeError for a shape that no report has."""
        return cls(
            candidate=_arm(plain["candidate"]),
            champion=_arm(plain["champion"]),
            base=_arm(plain["base"]),
            statements=dict(plain["statements"]),
            engine=plain["engine"],
            samples=tuple(Sample(**s) for s in plain.get("samples", ())),
            seconds=plain.get("seconds", 0.0),
            training=_training(plain.get("training")),
            told=_told(plain.get("told")),
            precedents=_recalled(plain.get("precedents")),
            too_long=plain.get("too_long", 0),
        )


def _rate(plain: Mapping[str, int] | None) -> Rate | None:
    return None if plain is None else Rate(**plain)


def _training(plain: Mapping[str, Any] | None) -> Training | None:
    if plain is None:
        return None
    losses = {term: tuple(values) for term, values in plain["losses"].items()}
    return Training(**{**plain, "losses": losses})


def _recalled(plain: Mapping[str, Any] | None) -> Recalled | None:
    return None if plain is None else Recalled(**{name: Rate(**rate) for name, rate in plain.items()})


def _told(plain: Mapping[str, Any] | None) -> Told | None:
    if plain is None:
        return None
    return Told(
        preferences=tuple(plain["preferences"]),
        withheld=Rate(**plain["withheld"]),
        said=Rate(**plain["said"]),
        each={
            key: Spoken(
                **{name: Rate(**rate) for name, rate in spoken.items() if name != "alone"},
                alone=spoken.get("alone", False),
            )
            for key, spoken in plain.get("each", {}).items()
        },
    )


def _arm(plain: Mapping[str, Any]) -> Arm:
    return Arm(
        revision=plain["revision"],
        adoption={k: Rate(**v) for k, v in plain["adoption"].items()},
        residue={k: Rate(**v) for k, v in plain["residue"].items()},
        pairs=_rate(plain["pairs"]),
        calls_valid=_rate(plain["calls_valid"]),
        calls_exact=_rate(plain["calls_exact"]),
        prose_kept=_rate(plain.get("prose_kept")),
        drift=plain["drift"],
        form=None if plain["form"] is None else Form(**plain["form"]),
    )
