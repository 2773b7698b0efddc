"""What the user's acts on one completion amount to: a wanted message, or the reason why there is none.

Invariant: a completion becomes wanted only by an act of the user on it, never by silence, and never by what
it says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from persona.checker import tool_name
from persona.distill.signals import Detector, by_time, edited_message
from store.records import Feedback, FeedbackKind, Interaction, Message, Origin, Signal

_COPIED_WORDS = 12  # so many words in a row are a quotation, not a coincidence
_WORD = re.compile(r"\w+")
_MOST_REJECTED = 2  # pairs a prompt
# Inferred signals sure enough to take an up back; the others weigh less than any act.
_TAKES_BACK = (Detector.FOLLOW_UP, Detector.CALL_REFUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """`acts` are the feedback that says so; `rejected` are messages that the user took it over."""

    message: Message
    rejected: tuple[Message, ...]
    acts: tuple[Feedback, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Nothing to learn from this completion, and why."""

    reason: str


def wanted(
    interaction: Interaction, acts: Sequence[Feedback], inferred: Sequence[Signal] = ()
) -> Wanted | Held:
    """The verdict over the acts on one completion and what was inferred of what came after it.

    The last edit decides. Without an edit the last act does: a pick or an up makes the completion wanted,
    unless the user took it back afterwards, in the next message; a down or a correction holds it, since what
    would have been right is not known. What is inferred only ever takes back, and an act that comes later
    outranks it.
    """
    verdict = _verdict(interaction.completion, by_time(acts), inferred)
    if isinstance(verdict, Held):
        return verdict
    if not verdict.message.content.strip() and not verdict.message.tool_calls:
        return Held(reason="the wanted answer is empty")
    offered = set(map(tool_name, interaction.tools))
    if any(call.name not in offered for call in verdict.message.tool_calls):
        return Held(reason="it calls a tool that was not offered")
    if copies_a_tool(verdict.message, interaction.prompt):
        return Held(reason="it copies the text of a tool")
    return verdict


def _verdict(completion: Message, acts: Sequence[Feedback], inferred: Sequence[Signal]) -> Wanted | Held:
    edits = [act for act in acts if act.kind is FeedbackKind.EDIT]
    picks = [act for act in acts if act.kind is FeedbackKind.PICK]
    not_taken = [Message(role="assistant", content=text) for pick in picks for text in pick.over]
    if edits:
        return Wanted(
            message=edited_message(edits[-1]),
            rejected=(completion, *not_taken)[:_MOST_REJECTED],
            acts=(edits[-1], *picks),
        )
    judged = [act for act in acts if act.kind is not FeedbackKind.PREFERENCE]
    if not judged:
        return Held(reason="no act on it")
    if judged[-1].kind in (FeedbackKind.DOWN, FeedbackKind.CORRECTION):
        return Held(reason="a down or a correction without a better answer")
    if any(signal.detector in _TAKES_BACK and signal.at >= judged[-1].at for signal in inferred):
        return Held(reason="the next message took it back")
    return Wanted(
        message=completion,
        rejected=tuple(not_taken[:_MOST_REJECTED]),
        acts=tuple(act for act in judged if act.kind in (FeedbackKind.PICK, FeedbackKind.UP)),
    )


def copies_a_tool(message: Message, prompt: Sequence[Message]) -> bool:
    """Does it repeat a stretch of what a tool returned? Such words are not the user's, nor the model's."""
    runs = {run for said in prompt if said.origin is Origin.TOOL for run in _runs(said.content)}
    return bool(runs) and not runs.isdisjoint(_runs(message.content))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {tuple(words[start : start + _COPIED_WORDS]) for start in range(len(words) - _COPIED_WORDS + 1)}
