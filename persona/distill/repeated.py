"""Wishes that corrections repeat, in words that a checker understands -> findings for the ledger.

Policies, all pure:
- A correction counts where the corrected answer breaks what it asks for, half where that cannot be told, and
  not at all where the answer kept it, where the request had asked for it, or where the user acted otherwise.
- Two conversations that count are enough while nothing speaks against it; against it are a wish for something
  else, and an answer that breaks it and was wanted. After that it takes a long row without another.
- One conversation is one voice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from persona.checker import ALWAYS, Checker, kind_scope, parse_statement, request_kind
from persona.checker.request import QUESTION
from persona.distill.detectors import Correction
from persona.distill.evidence import Corrected, Judged, Mined
from persona.distill.inference import Finding, asked_by, within
from persona.distill.mended import ACCEPTS
from persona.distill.wanted import Held, wanted
from store.records import Interaction, Message

SAID_AGAIN = 2  # conversations
_IN_A_ROW = 8  # conversations, after a contradiction: who wants now this, now that, seldom gets so far
_CLEAR, _UNCLEAR = 2, 1  # what a correction counts
_ENOUGH = SAID_AGAIN * _CLEAR


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """What one correction asks of all answers, and how much it counts."""

    attribute: str
    checker: Checker
    statement: str
    kind: str
    conversation: str
    at: datetime
    signal: str
    weight: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """An answer in prose that was wanted, by an act or by thanks."""

    at: datetime
    message: Message
    asked: frozenset[str]


def repeated(mined: Mined) -> list[Finding]:
    """One for each attribute whose latest wish was said often enough, in the order of their attributes."""
    acted = {each.interaction.id for each in mined.judged if each.acts}
    wishes = [wish for said in mined.corrections() if (wish := _wish(said, acted)) is not None]
    taken = list(_taken(mined.judged)) if len(wishes) >= SAID_AGAIN else []
    found = []
    for attribute in sorted({wish.attribute for wish in wishes}):
        about = [wish for wish in wishes if wish.attribute == attribute]
        told = [one for one in taken if attribute not in one.asked]
        if (finding := _finding(about, told)) is not None:
            found.append(finding)
    return found


def _wish(said: Corrected, acted: set[str]) -> _Wish | None:
    """None where it is for once, about a call, not to be checked, or not what was amiss with the answer."""
    interaction, correction = said.interaction, said.correction
    if correction.one_off or interaction.id in acted or interaction.completion.tool_calls:
        return None
    read = _read(correction)
    if read is None:
        return None
    attribute, checker = read
    if attribute in asked_by(interaction.prompt) or _asks_for_language(attribute, interaction):
        return None
    told = checker.applies_to(interaction.completion)
    if told and checker.passes(interaction.completion):
        return None
    return _Wish(
        attribute=attribute,
        checker=checker,
        statement=correction.statement,
        kind=request_kind(interaction.prompt),
        conversation=interaction.conversation,
        at=said.signal.at,
        signal=said.signal.id,
        weight=_CLEAR if told else _UNCLEAR,
    )


def _read(correction: Correction) -> tuple[str, Checker] | None:
    """The one thing about all answers that it asks for, where a checker can tell it."""
    if not correction.attribute:
        return None
    parsed = parse_statement(correction.statement)
    if len(parsed) != 1 or parsed[0].scope != ALWAYS or parsed[0].checker is None:
        return None
    return parsed[0].attribute, parsed[0].checker


def _asks_for_language(attribute: str, interaction: Interaction) -> bool:
    """“In German” after a translation names what to translate into."""
    return attribute == "language" and request_kind(interaction.prompt) == "translation"


def _taken(judged: Iterable[Judged]) -> Iterator[_Taken]:
    for each in judged:
        message: Message | None = None
        times = [signal.at for signal in each.inferred if signal.detector in ACCEPTS]
        if each.acts:
            verdict = wanted(each.interaction, each.acts, each.inferred)
            message = None if isinstance(verdict, Held) else verdict.message
            times = [act.at for act in each.acts]
        elif times and all(signal.polarity >= 0 for signal in each.inferred):
            message = each.interaction.completion
        if message is not None and message.content.strip() and not message.tool_calls:
            yield _Taken(
                at=max(times),
                message=message,
                asked=asked_by(each.interaction.prompt),
            )


def _breaks(message: Message, checker: Checker) -> bool:
    return checker.applies_to(message) and not checker.passes(message)


def _finding(wishes: Sequence[_Wish], taken: Sequence[_Taken]) -> Finding | None:
    """What the latest of these wishes about one attribute asks for, if it was said often enough."""
    in_order = sorted(wishes, key=lambda each: (each.at, each.signal))
    latest = in_order[-1]
    same = [wish for wish in in_order if wish.checker == latest.checker]
    against = [wish.at for wish in in_order if wish not in same]
    against += [one.at for one in taken if one.at > same[0].at and _breaks(one.message, latest.checker)]
    since = max(against, default=None)
    run = [wish for wish in same if since is None or wish.at > since]
    voices = {wish.conversation: wish for wish in run}
    weight = sum(wish.weight for wish in voices.values())
    if weight < _ENOUGH or len(voices) < (SAID_AGAIN if since is None else _IN_A_ROW):
        return None
    kinds = {wish.kind for wish in voices.values()}
    scope = kind_scope(kinds.pop()) if len(kinds) == 1 and kinds != {QUESTION} else ALWAYS
    return Finding(
        scope=scope,
        attribute=latest.attribute,
        checker=latest.checker,
        statement=within(scope, latest.statement),
        at=tuple(sorted(wish.at for wish in voices.values())),
        signals=tuple(wish.signal for wish in run),
        reason=f"corrections in {len(voices)} conversations ask for it",
    )
