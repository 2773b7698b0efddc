"""All that the user did, gathered from the store: every act with the signal that it gave, and what ordinary
use shows beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from persona.checker import tool_name
from persona.distill.detectors import Correction, Exchange, detect
from persona.distill.exchanges import Line, lines
from persona.distill.signals import Detector, edited_message, inferred_signal, signal_of
from store import Store
from store.records import Feedback, FeedbackKind, Interaction, Json, Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A stated preference and the signal that it gave. `id` tells two of the same time apart.

    `in_chat`: said in a message, in passing, where `content` is the sentence that says it; otherwise given to
    persona as a preference.
    """

    id: str
    content: str
    at: datetime
    conversation: str | None
    signal: Signal
    in_chat: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A user's edit of a completion and the signal that it gave."""

    feedback: Feedback
    signal: Signal
    interaction: Interaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """What the user asked for instead of the completion of `interaction`, in the next message.

    `signal` quotes it; its time is when the user said so.
    """

    correction: Correction
    signal: Signal
    interaction: Interaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One interaction with every act of the user on it; `signals` maps feedback to the signal it gave.

    `inferred` are the signals of what came after it; `correction` is what the next message asks for instead;
    `next` is the interaction that answered the next message.
    """

    interaction: Interaction
    acts: tuple[Feedback, ...] = ()
    signals: Mapping[str, Signal]
    inferred: tuple[Signal, ...] = ()
    correction: Correction | None = None
    next: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mined:
    """All evidence there is, and the tools that programs offered."""

    judged: tuple[Judged, ...]
    statements: tuple[Statement, ...]
    tools: tuple[Mapping[str, Json], ...]

    def signals(self) -> list[Signal]:
        found = [
            *(statement.signal for statement in self.statements),
            *(signal for each in self.judged for signal in each.signals.values()),
            *(signal for each in self.judged for signal in each.inferred),
        ]
        return list({signal.id: signal for signal in found}.values())

    def edits(self) -> list[Edit]:
        return [
            Edit(feedback=act, signal=each.signals[act.id], interaction=each.interaction)
            for each in self.judged
            for act in each.acts
            if act.kind is FeedbackKind.EDIT
        ]

    def corrections(self) -> list[Corrected]:
        """What users asked for instead, in their next messages; one-off wishes are among them, and say so."""
        return [
            Corrected(correction=each.correction, signal=signal, interaction=each.interaction)
            for each in self.judged
            if each.correction is not None
            for signal in each.inferred
            if signal.detector == Detector.FOLLOW_UP
        ]


def mine(store: Store) -> Mined:
    """Read everything anew: what was mined before gives the same signals again."""
    acts: dict[str, list[Feedback]] = {}
    statements = []
    for given in store.feedback.all():
        if given.kind is FeedbackKind.PREFERENCE:
            statements.append(_stated(given))
        elif given.interaction is not None:
            acts.setdefault(given.interaction, []).append(given)
    judged: list[Judged] = []
    offered: list[Interaction] = []
    for conversation in store.interactions.conversations():
        talk = list(store.interactions.all(conversation=conversation.id))
        offered += _schemas(talk)
        said: dict[str, Statement] = {}
        for line in lines(talk, store.interactions.follow_up):
            one, in_passing = _judged(line, acts.get(line.interaction.id, ()))
            judged.append(one)
            for statement in in_passing:
                said.setdefault(statement.content, statement)
        statements += said.values()
    tools: dict[str, Mapping[str, Json]] = {}
    for interaction in sorted(offered, key=lambda each: (each.at, each.id)):
        tools.update((tool_name(tool), tool) for tool in interaction.tools)  # the latest schema of each
    return Mined(judged=tuple(judged), statements=tuple(statements), tools=tuple(tools.values()))


def _schemas(talk: Iterable[Interaction]) -> Iterator[Interaction]:
    """The interactions of one conversation that offered something else than the one before."""
    before: object = ()
    for interaction in talk:
        if interaction.tools and interaction.tools != before:
            yield interaction
        before = interaction.tools


def _stated(given: Feedback) -> Statement:
    return Statement(
        id=given.id,
        content=given.content,
        at=given.at,
        conversation=given.conversation,
        signal=signal_of(given, None),
    )


def _judged(line: Line, acts: Sequence[Feedback]) -> tuple[Judged, list[Statement]]:
    interaction = line.interaction
    exchange = Exchange(
        interaction=interaction,
        after=line.after,
        others=line.others,
        edits=tuple(edited_message(act) for act in acts if act.kind is FeedbackKind.EDIT),
    )
    inferred: list[Signal] = []
    statements: list[Statement] = []
    correction: Correction | None = None
    for finding in detect(exchange):
        at = line.time_of(finding.place)
        signal = inferred_signal(finding.detector, finding.span, interaction, at)
        if finding.detector is Detector.STATED_IN_CHAT:
            statements.append(
                Statement(
                    id=signal.id,
                    content=finding.span,
                    at=at,
                    conversation=interaction.conversation,
                    signal=signal,
                    in_chat=True,
                )
            )
            continue
        inferred.append(signal)
        correction = correction or finding.correction
    judged = Judged(
        interaction=interaction,
        acts=tuple(acts),
        signals={act.id: signal_of(act, interaction) for act in acts},
        inferred=tuple(inferred),
        correction=correction,
        next=line.next.id if line.next else None,
    )
    return judged, statements
