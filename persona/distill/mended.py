"""Corrected answers and the accepted ones that came after them -> pairs of low confidence.

Policy, pure. Invariants: the user's own words judge both sides, a correction the rejected one, and thanks,
use or an act the chosen one; an explicit act on the corrected answer leaves nothing to infer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from persona.distill.evidence import Judged
from persona.distill.signals import Detector
from persona.distill.wanted import Held, wanted
from store.records import Message, Signal

_MOST_TRIES = 3  # answers to one request; whoever needed more was not answered better at last
ACCEPTS = (Detector.THANKS, Detector.ADOPTED)  # what is said after an answer that was taken


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """`corrected` was answered again with `chosen`; `signals` are the correction and what accepted it.

    `heard` is everything that was said before `chosen`.
    """

    corrected: Judged
    chosen: Message
    heard: tuple[Message, ...]
    signals: tuple[Signal, ...]


def mended(judged: Iterable[Judged]) -> Iterator[Mended]:
    """Every correction of how an answer was given whose follower was accepted.

    A correction without an attribute may be one of content, which a model cannot know from the request: it
    makes no pair. Nor does a wish for one answer only, nor a call.
    """
    known = {each.interaction.id: each for each in judged}
    for each in known.values():
        correction = each.correction
        if correction is None or correction.one_off or not correction.attribute or each.acts:
            continue
        accepted = _accepted(each, known)
        if accepted is None:
            continue
        said = tuple(signal for signal in each.inferred if signal.detector == Detector.FOLLOW_UP)
        yield Mended(
            corrected=each,
            chosen=accepted.message,
            heard=accepted.judged.interaction.prompt,
            signals=(*said, *accepted.signals),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Accepted:
    judged: Judged
    message: Message
    signals: tuple[Signal, ...]


def _accepted(corrected: Judged, known: Mapping[str, Judged]) -> _Accepted | None:
    """The answer to the correction, or to a correction of that one, which the user took."""
    one = corrected
    for _ in range(_MOST_TRIES):
        later = known.get(one.next) if one.next else None
        if later is None or later.interaction.completion.tool_calls:
            return None
        if later.acts:
            verdict = wanted(later.interaction, later.acts, later.inferred)
            if isinstance(verdict, Held) or verdict.message.tool_calls:
                return None
            signals = tuple(later.signals[act.id] for act in verdict.acts)
            return _Accepted(judged=later, message=verdict.message, signals=signals)
        accepts = tuple(signal for signal in later.inferred if signal.detector in ACCEPTS)
        if accepts and all(signal.polarity >= 0 for signal in later.inferred):
            return _Accepted(judged=later, message=later.interaction.completion, signals=accepts)
        if later.correction is None or later.correction.one_off:
            return None
        one = later
    return None
