"""All that the user did, gathered from the store: every act with the signal that it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from persona.distill.likeness import tool_name
from persona.distill.signals import signal_of, taken_back
from store import Store
from store.records import Feedback, FeedbackKind, Interaction, Json, Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A stated preference and the signal that it gave."""

    feedback: Feedback
    signal: Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A user's edit of a completion and the signal that it gave."""

    feedback: Feedback
    signal: Signal
    interaction: Interaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One interaction with every act of the user on it; `signals` maps feedback to the signal it gave."""

    interaction: Interaction
    acts: tuple[Feedback, ...]
    signals: Mapping[str, Signal]
    taken_back: Signal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mined:
    """All evidence there is: every act with its signal, and the tools that programs offered."""

    judged: tuple[Judged, ...]
    statements: tuple[Statement, ...]
    tools: tuple[Mapping[str, Json], ...]

    def signals(self) -> list[Signal]:
        return [
            *(statement.signal for statement in self.statements),
            *(signal for each in self.judged for signal in each.signals.values()),
            *(each.taken_back for each in self.judged if each.taken_back is not None),
        ]

    def edits(self) -> list[Edit]:
        return [
            Edit(feedback=act, signal=each.signals[act.id], interaction=each.interaction)
            for each in self.judged
            for act in each.acts
            if act.kind is FeedbackKind.EDIT
        ]


def mine(store: Store) -> Mined:
    """Read everything anew: what was mined before gives the same signals again."""
    acts: dict[str, list[Feedback]] = {}
    statements = []
    for given in store.feedback.all():
        if given.kind is FeedbackKind.PREFERENCE:
            statements.append(Statement(feedback=given, signal=signal_of(given, None)))
        elif given.interaction is not None:
            acts.setdefault(given.interaction, []).append(given)
    judged = []
    tools: dict[str, Mapping[str, Json]] = {}
    for interaction in store.interactions.all():
        tools.update((tool_name(tool), tool) for tool in interaction.tools)  # the latest schema of each
        if interaction.id in acts:
            judged.append(_judged(store, interaction, acts[interaction.id]))
    return Mined(judged=tuple(judged), statements=tuple(statements), tools=tuple(tools.values()))


def _judged(store: Store, interaction: Interaction, acts: Sequence[Feedback]) -> Judged:
    return Judged(
        interaction=interaction,
        acts=tuple(acts),
        signals={act.id: signal_of(act, interaction) for act in acts},
        taken_back=taken_back(interaction, store.interactions.follow_up(interaction.id)),
    )
