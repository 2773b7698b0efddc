"""What goes into the evaluation's process: frozen values with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona.engine.protocol import Prompt
from persona.offers import Offer
from persona.precedents import Precedent
from store.json_forms import (
    example_from_json,
    example_json,
    message_from_json,
    message_json,
    tool_calls_from_json,
    tool_calls_json,
)
from store.records import Message, PreferencePair, ToolCall

if TYPE_CHECKING:
    from persona.engine.opener import EngineKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A held-out prompt. `preferences` are the ids that apply to it; `wanted` the calls of a tool request;
    `bears` what the bridge would say to it if no weights carried anything, in its order.

    One that has neither counts for the form of the answers only.
    """

    prompt: Prompt
    preferences: tuple[str, ...] = ()
    wanted: tuple[ToolCall, ...] = ()
    bears: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationJob:
    """`champion` and `candidate` are revision ids ("r0" for the base) of the registry at `adapters`.

    `checkers` (active) and `superseded` map preference ids to the JSON of their checkers; `instead` names the
    active preference that took the place of a superseded one. `statements` has those of all of them, and of
    what is active and has no checker. `max_tokens` are those of an answer at most. `offer` is what the user
    has on offer mostly, None for one without tools. `precedents` are of what was trained on, oldest first.
    """

    home: Path
    base: str
    adapters: Path
    candidate: str
    champion: str
    probes: tuple[Probe, ...]
    pairs: tuple[PreferencePair, ...]
    checkers: Mapping[str, Mapping[str, Any]]
    superseded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    engine: EngineKind = "auto"
    device: str = "auto"
    max_tokens: int = 128
    neutral_prompts: int = 24
    samples: int = 6
    offer: Offer | None = None
    precedents: tuple[Precedent, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return {
            "home": str(self.home),
            "base": self.base,
            "adapters": str(self.adapters),
            "candidate": self.candidate,
            "champion": self.champion,
            "probes": [_probe_json(probe) for probe in self.probes],
            "pairs": [{"id": pair.id, **example_json(pair)} for pair in self.pairs],
            "checkers": {k: dict(v) for k, v in self.checkers.items()},
            "superseded": {k: dict(v) for k, v in self.superseded.items()},
            "instead": dict(self.instead),
            "statements": dict(self.statements),
            "engine": self.engine,
            "device": self.device,
            "max_tokens": self.max_tokens,
            "neutral_prompts": self.neutral_prompts,
            "samples": self.samples,
            "offer": None if self.offer is None else _asked_json(self.offer.system, self.offer.tools),
            "precedents": [each.to_json() for each in self.precedents],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> EvaluationJob:
        offer = plain["offer"]
        pairs = [example_from_json(p["id"], p) for p in plain["pairs"]]
        return cls(
            **{
                **plain,
                "home": Path(plain["home"]),
                "adapters": Path(plain["adapters"]),
                "probes": tuple(_probe(p) for p in plain["probes"]),
                "pairs": tuple(p for p in pairs if isinstance(p, PreferencePair)),
                "offer": offer and Offer(system=_messages(offer), tools=tuple(offer["tools"])),
                "precedents": tuple(map(Precedent.from_json, plain["precedents"])),
            }
        )


def _asked_json(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"messages": [message_json(m) for m in messages], "tools": [dict(t) for t in tools]}


def _messages(plain: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(message_from_json(m) for m in plain["messages"])


def _probe_json(probe: Probe) -> dict[str, Any]:
    return {
        **_asked_json(probe.prompt.messages, probe.prompt.tools),
        "preferences": list(probe.preferences),
        "wanted": tool_calls_json(probe.wanted),
        "bears": list(probe.bears),
    }


def _probe(plain: Mapping[str, Any]) -> Probe:
    return Probe(
        prompt=Prompt(messages=_messages(plain), tools=tuple(plain["tools"])),
        preferences=tuple(plain["preferences"]),
        wanted=tool_calls_from_json(plain["wanted"]),
        bears=tuple(plain["bears"]),
    )
