"""Feedback and findings -> signals: what the user did, each with the words or the act that shows it.

Invariant: only acts of the user make signals that label. What a model or a tool wrote is never read for one,
whatever it says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from persona.checker import same_json
from store.identity import with_id
from store.records import Feedback, FeedbackKind, Interaction, Json, Message, Origin, Signal, ToolCall

_LONGEST_QUOTE = 200  # characters


class Detector(StrEnum):
    """What found a signal. The names are kept in the store."""

    EDIT = "edit"
    CORRECTED_CALL = "corrected_call"
    PICK = "pick"
    UP = "up"
    DOWN = "down"
    STATED = "stated"
    CORRECTION = "correction"
    # Inferred from ordinary use (persona/distill/detectors):
    FOLLOW_UP = "follow_up"  # the next message corrects the answer
    RESTATED = "restated"
    RETRIED = "retried"
    ABANDONED = "abandoned"
    THANKS = "thanks"
    ADOPTED = "adopted"
    CALL_ACCEPTED = "call_accepted"
    CALL_REFUSED = "call_refused"
    STATED_IN_CHAT = "stated_in_chat"
    # How calls ended, as their results tell: never a label.
    TOOL_OK = "tool_ok"
    TOOL_EMPTY = "tool_empty"
    TOOL_ERROR = "tool_error"
    TOOL_FIXED = "tool_fixed"


# (polarity, confidence): how much an act says by itself. Acts of the user come before what is inferred.
_WEIGHT: dict[Detector, tuple[int, float]] = {
    Detector.EDIT: (+1, 1.0),
    Detector.CORRECTED_CALL: (+1, 1.0),
    Detector.PICK: (+1, 0.9),
    Detector.UP: (+1, 0.8),
    Detector.DOWN: (-1, 0.8),
    Detector.STATED: (0, 1.0),
    Detector.CORRECTION: (-1, 0.9),
    Detector.FOLLOW_UP: (-1, 0.7),
    Detector.RESTATED: (-1, 0.5),
    Detector.RETRIED: (-1, 0.5),
    Detector.ABANDONED: (-1, 0.3),
    Detector.THANKS: (+1, 0.5),
    Detector.ADOPTED: (+1, 0.6),
    Detector.CALL_ACCEPTED: (+1, 0.4),
    Detector.CALL_REFUSED: (-1, 0.6),
    Detector.STATED_IN_CHAT: (0, 0.9),
    Detector.TOOL_OK: (+1, 0.2),
    Detector.TOOL_EMPTY: (-1, 0.1),
    Detector.TOOL_ERROR: (-1, 0.3),
    Detector.TOOL_FIXED: (+1, 0.3),
}

_DETECTOR_OF_KIND = {
    FeedbackKind.PICK: Detector.PICK,
    FeedbackKind.UP: Detector.UP,
    FeedbackKind.DOWN: Detector.DOWN,
    FeedbackKind.PREFERENCE: Detector.STATED,
    FeedbackKind.CORRECTION: Detector.CORRECTION,
}


def signal_of(feedback: Feedback, interaction: Interaction | None) -> Signal:
    """The signal that this act gives. `interaction` is the one it is about, None for a stated preference."""
    detector = _detector(feedback)
    polarity, confidence = _WEIGHT[detector]
    return with_id(
        Signal(
            id="",
            detector=detector.value,
            at=feedback.at,
            polarity=polarity,
            confidence=confidence,
            quote=_clip(_quote(feedback, detector)),
            interaction=feedback.interaction,
            conversation=feedback.conversation or (interaction.conversation if interaction else None),
            feedback=feedback.id,
        )
    )


def inferred_signal(detector: Detector, span: str, interaction: Interaction, at: datetime) -> Signal:
    """The signal of what a detector found in what came after `interaction`; `at`: when that was said."""
    polarity, confidence = _WEIGHT[detector]
    return with_id(
        Signal(
            id="",
            detector=detector.value,
            at=at,
            polarity=polarity,
            confidence=confidence,
            quote=_clip(span),
            interaction=interaction.id,
            conversation=interaction.conversation,
        )
    )


def edited_message(edit: Feedback) -> Message:
    """What the user made of the completion: user-authored, whole."""
    return Message(role="assistant", content=edit.content, tool_calls=edit.tool_calls, origin=Origin.USER)


def corrected_arguments(
    original: Sequence[ToolCall], edited: Sequence[ToolCall]
) -> list[tuple[str, str, Json]]:
    """(tool, argument, value) of what the user set or changed in calls that kept their tool."""
    left = list(original)
    changed = []
    for call in edited:
        before = next((candidate for candidate in left if candidate.name == call.name), None)
        if before is None:
            continue
        left.remove(before)
        changed += [
            (call.name, argument, value)
            for argument, value in call.arguments.items()
            if argument not in before.arguments or not same_json(before.arguments[argument], value)
        ]
    return changed


def _detector(feedback: Feedback) -> Detector:
    if feedback.kind is FeedbackKind.EDIT:
        return Detector.CORRECTED_CALL if feedback.tool_calls else Detector.EDIT
    return _DETECTOR_OF_KIND[feedback.kind]


def _quote(feedback: Feedback, detector: Detector) -> str:
    match detector:
        case Detector.CORRECTED_CALL:
            return "; ".join(_spoken(call) for call in feedback.tool_calls)
        case Detector.UP | Detector.DOWN:
            return feedback.reason or f"({detector.value})"
        case Detector.PICK:
            return f"(picked over {len(feedback.over)} other{'s' if len(feedback.over) > 1 else ''})"
        case _:
            return feedback.content


def _spoken(call: ToolCall) -> str:
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items()
    )
    return f"{call.name}({arguments})"


def _clip(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def by_time(feedback: Iterable[Feedback]) -> list[Feedback]:
    """In the order in which the user acted."""
    return sorted(feedback, key=lambda given: (given.at, given.id))
