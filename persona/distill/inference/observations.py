"""What a user's acts on answers show: an answer that was wanted beside those it was taken over.

One conversation is one witness: what a user does within one talk hangs together, and counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from persona.checker import parse_statement, request_kind
from persona.distill.evidence import Judged
from persona.distill.wanted import Held, wanted
from store.records import Message

LATEST = 400  # observations that are read; older ones have had their say, and a night stays short


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """`chosen` was wanted and `rejected` were not. `asked` are attributes that the request itself speaks of:
    they say nothing about other requests.
    """

    conversation: str
    at: datetime
    signals: tuple[str, ...]
    kind: str
    asked: frozenset[str]
    chosen: Message
    rejected: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """The observations of one conversation, oldest first; at least one."""

    observations: tuple[Observation, ...]

    @property
    def at(self) -> datetime:
        return self.observations[-1].at


def observe(judged: Iterable[Judged]) -> list[Observation]:
    """Edits and picks of prose, by time; the latest ones. What calls tools is for the habits."""
    found = []
    for each in judged:
        verdict = wanted(each.interaction, each.acts, each.inferred)
        if isinstance(verdict, Held) or verdict.message.tool_calls:
            continue
        rejected = tuple(
            message
            for message in verdict.rejected
            if message.content.strip() and message.content.strip() != verdict.message.content.strip()
        )
        if rejected:
            found.append(
                Observation(
                    conversation=each.interaction.conversation,
                    at=max(act.at for act in verdict.acts),
                    signals=tuple(each.signals[act.id].id for act in verdict.acts),
                    kind=request_kind(each.interaction.prompt),
                    asked=_asked(each.interaction.prompt),
                    chosen=verdict.message,
                    rejected=rejected,
                )
            )
    return sorted(found, key=lambda one: (one.at, one.signals))[-LATEST:]


def witnesses(observations: Sequence[Observation]) -> list[Witness]:
    """The observations by conversation, in the order in which the conversations were last acted on."""
    talks: dict[str, list[Observation]] = {}
    for one in observations:
        talks.setdefault(one.conversation, []).append(one)
    found = [Witness(observations=tuple(talk)) for talk in talks.values()]
    return sorted(found, key=lambda each: (each.at, each.observations[-1].signals))


def _asked(prompt: Sequence[Message]) -> frozenset[str]:
    request = next((message.content for message in reversed(prompt) if message.role == "user"), "")
    return _attributes(request)


@lru_cache(maxsize=2048)
def _attributes(request: str) -> frozenset[str]:
    return frozenset(parsed.attribute for parsed in parse_statement(request))
