"""What a user's acts on answers show: an answer that was wanted beside those it was taken over.

One conversation is one witness: what a user does within one talk hangs together, and counts once. An edit or
a pick speaks about everything in the answer; a correction in the next message only about what its words
name, since the accepted answer that followed is the model's, with all the habits that a model has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from persona.checker import parse_statement, request_kind
from persona.distill.evidence import Judged
from persona.distill.likeness import message_key, prompt_key
from persona.distill.mended import mended
from persona.distill.wanted import Held, copies_a_tool, wanted
from store.records import Message

LATEST = 400  # observations that are read; older ones have had their say, and a night stays short

_LENGTHS = frozenset({"length.sentences", "length.words"})
# What a correction is about, for hints that are no attribute of the ledger; all others are one.
_TOPICS: Mapping[str, frozenset[str]] = {
    "length": _LENGTHS,
    "length.sentences": _LENGTHS,
    "length.words": _LENGTHS,
    "units": frozenset({"units", "clock"}),
    "format": frozenset({"lists", "headings", "bold", "code_blocks"}),
    "tone": frozenset({"tone.contraction", "tone.hedging", "tone.filler", "tone.self_reference"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """`chosen` was wanted and `rejected` were not. `asked` are attributes that the request itself speaks of:
    they say nothing about other requests. `about` are the only attributes that it speaks of, None for all.
    """

    conversation: str
    at: datetime
    signals: tuple[str, ...]
    kind: str
    asked: frozenset[str]
    chosen: Message
    rejected: tuple[Message, ...]
    about: frozenset[str] | None = None

    def tells_of(self, attribute: str) -> bool:
        return attribute not in self.asked and (self.about is None or attribute in self.about)


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """The observations of one conversation, oldest first; at least one."""

    observations: tuple[Observation, ...]

    @property
    def at(self) -> datetime:
        return self.observations[-1].at


def observe(judged: Iterable[Judged]) -> list[Observation]:
    """Edits and picks of prose, and corrections whose followers were accepted, by time; the latest ones. What
    calls tools is for the habits.
    """
    every = list(judged)
    acted = list(_acted(every))
    said = _corrected(every, acted)
    return sorted((*acted, *said), key=lambda one: (one.at, one.signals))[-LATEST:]


def _acted(judged: Iterable[Judged]) -> Iterator[Observation]:
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
            yield Observation(
                conversation=each.interaction.conversation,
                at=max(act.at for act in verdict.acts),
                signals=tuple(each.signals[act.id].id for act in verdict.acts),
                kind=request_kind(each.interaction.prompt),
                asked=asked_by(each.interaction.prompt),
                chosen=verdict.message,
                rejected=rejected,
            )


def _corrected(judged: Sequence[Judged], acted: Sequence[Observation]) -> Iterator[Observation]:
    """What corrections show; nothing where the user acted on the same prompt, or later in the same talk."""
    prompts = {prompt_key(each.interaction.prompt, each.interaction.tools) for each in judged if each.acts}
    last_act = {one.conversation: one.at for one in sorted(acted, key=lambda one: one.at)}
    for one in mended(judged):
        interaction, correction = one.corrected.interaction, one.corrected.correction
        at = max(signal.at for signal in one.signals)
        acted_at = last_act.get(interaction.conversation)
        if correction is None or (acted_at is not None and acted_at >= at):
            continue
        if prompt_key(interaction.prompt, interaction.tools) in prompts or not _differ(
            one.chosen, interaction.completion
        ):
            continue
        if copies_a_tool(one.chosen, (*interaction.prompt, *one.heard)):
            continue
        yield Observation(
            conversation=interaction.conversation,
            at=at,
            signals=tuple(signal.id for signal in one.signals),
            kind=request_kind(interaction.prompt),
            asked=asked_by(interaction.prompt),
            chosen=one.chosen,
            rejected=(interaction.completion,),
            about=_TOPICS.get(correction.attribute, frozenset({correction.attribute})),
        )


def _differ(chosen: Message, rejected: Message) -> bool:
    written = chosen.content.strip() and rejected.content.strip()
    return bool(written) and message_key(chosen) != message_key(rejected)


def witnesses(observations: Sequence[Observation]) -> list[Witness]:
    """The observations by conversation, in the order in which the conversations were last acted on."""
    talks: dict[str, list[Observation]] = {}
    for one in observations:
        talks.setdefault(one.conversation, []).append(one)
    found = [Witness(observations=tuple(talk)) for talk in talks.values()]
    return sorted(found, key=lambda each: (each.at, each.observations[-1].signals))


def asked_by(prompt: Sequence[Message]) -> frozenset[str]:
    """The attributes that the request itself speaks of."""
    request = next((message.content for message in reversed(prompt) if message.role == "user"), "")
    return _attributes(request)


@lru_cache(maxsize=2048)
def _attributes(request: str) -> frozenset[str]:
    return frozenset(parsed.attribute for parsed in parse_statement(request))
