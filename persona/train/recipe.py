"""A Recipe: everything that decides a build besides the base and the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from persona.errors import BadInput

Quantisation = Literal["none", "nf4"]

_NEARLY_ALL = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraShape:
    """The adapter's shape (Hu et al. 2021, arXiv 2106.09685): rank r, scale alpha / r, modules by suffix.

    `untouched` is the share of the base's blocks, from the input on, that stay as they are: there is no way
    back through them to pay for, and what they do for other topics does not drift.
    """

    rank: int = 8
    alpha: int = 16
    untouched: float = 0.34
    modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, kw_only=True, slots=True)
class Losses:
    """Weights of the three terms of one step, and what shapes them.

    demonstration: mean NLL per token of wanted prose; on pairs it is DPO's NLL term (Pang et al. 2024,
        arXiv 2404.19733).
    written: what takes the place of `demonstration` where all of the style is practised too.
    call: mean NLL per token of wanted calls of tools.
    practice: mean NLL per token of what was reworked in the base's own answers.
    preference: DPO (Rafailov et al. 2023, arXiv 2305.18290) with temperature `beta` against the bare base.
    replay: KL(base || adapter) per token on the base's own answers, over its `replay_top_k` likeliest
        tokens and one bucket for the rest; the first token of an answer counts `first` times, since all of
        the answer hangs on it.
    """

    demonstration: float = 1.0
    written: float = 0.3
    call: float = 1.0
    practice: float = 1.0
    preference: float = 0.1
    beta: float = 0.1
    replay: float = 2.0
    first: float = 8.0
    replay_top_k: int = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How long and in what portions.

    A step sees `batch` user rows of prose, `call_batch` of calls and `offer_batch` of replay behind the same
    tools, `practice_batch` rows of practice and `replay_batch` replay rows. Epochs, of the user rows, are
    stretched to at least `min_steps` and cut at `max_steps`, so that few examples still teach and many stay
    affordable. The rate is `call_rate` where nearly all that the user wants is calls, and else
    `learning_rate`; it goes linearly up over `warmup` of the steps and cosine down to zero. `micro_tokens` go
    through the model together; calls of a step do if they are at most `bundle_tokens`.
    """

    learning_rate: float = 1e-3
    call_rate: float = 2e-3
    epochs: float = 1.75
    batch: int = 4
    call_batch: int = 4
    offer_batch: int = 1
    practice_batch: int = 4
    replay_batch: int = 4
    min_steps: int = 44
    max_steps: int = 64
    warmup: float = 0.05
    max_grad_norm: float = 1.0
    max_tokens: int = 1024
    micro_tokens: int = 320
    bundle_tokens: int = 768

    def rate(self, calls: float) -> float:
        """Of a build where this share of the prompts wants a call: prose drifts too far at their rate."""
        return self.call_rate if calls >= _NEARLY_ALL else self.learning_rate

    def halved(self, times: int) -> Schedule:
        """The same steps in smaller portions, for a machine whose memory did not suffice."""
        return replace(
            self, micro_tokens=self.micro_tokens >> times, bundle_tokens=self.bundle_tokens >> times
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Restraint:
    """How far a finished adapter may be from the base: see persona.train.restraint.

    Its scale is taken back, to `least` of itself at most, until it drifts no more than `drift` nats per token
    on `rows` replay rows that were not trained on; 0 rows leave it as it is.
    """

    rows: int = 24
    drift: float = 0.042
    least: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Hashable by its JSON; two equal recipes on equal data and base build the same adapter."""

    shape: LoraShape = field(default_factory=LoraShape)
    losses: Losses = field(default_factory=Losses)
    schedule: Schedule = field(default_factory=Schedule)
    restraint: Restraint = field(default_factory=Restraint)
    quantisation: Quantisation = "none"
    practice_prompts: int = 96
    practice_tokens: int = 72
    replay_prompts: int = 160
    talk_prompts: int = 48
    replay_tokens: int = 48
    seed: int = 17

    def to_json(self) -> dict[str, Any]:
        """Plain values only; the inverse of `from_json`."""
        plain = asdict(self)
        plain["shape"]["modules"] = list(self.shape.modules)
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Recipe:
        """Raises BadInput for a key that no recipe has: a typo would otherwise train something else."""
        sections = {"shape": LoraShape, "losses": Losses, "schedule": Schedule, "restraint": Restraint}
        _refuse_unknown(cls, plain, "recipe")
        values: dict[str, Any] = dict(plain)
        for name, kind in sections.items():
            section = dict(plain.get(name, {}))
            _refuse_unknown(kind, section, f"recipe.{name}")
            if "modules" in section:
                section["modules"] = tuple(section["modules"])
            values[name] = kind(**section)
        return cls(**values)


def _refuse_unknown(kind: Any, plain: Mapping[str, Any], where: str) -> None:
    known = {f.name for f in fields(kind)}
    for key in plain:
        if key not in known:
            raise BadInput(f"{where} has no {key!r}: it has {', '.join(sorted(known))}")
