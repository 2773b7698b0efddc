"""What the user said about one thing, in its order: a change of mind, or to and fro.

Whoever says A, then B, has changed their mind. Whoever then says A again within the days in which acts may
disagree goes to and fro, and nobody but they can say which it is. Pure; the order of finding does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from persona.distill.inference import DAYS, switches

_TO_AND_FRO = 2  # switches: there and back
_DAYS = timedelta(days=DAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One statement about one (scope, attribute). `value`: what it asks for, in whatever words. `given`: told
    to persona itself and not in a conversation, as one answers a question.
    """

    at: datetime
    signal: str
    value: str
    given: bool


def rivals(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The values that stand against each other after these turns, oldest first; () where the last one counts.

    Once there are any, all that is said belongs to them, until one is given as an answer, or nothing else was
    said for DAYS.
    """
    seen: list[Turn] = []
    found: tuple[str, ...] = ()
    turned: datetime | None = None
    for turn in turns:
        quiet = turned is None or turn.at - turned > _DAYS
        if seen and turn.value != seen[-1].value:
            turned = turn.at
        if found and not turn.given and not quiet:
            seen = [*_but_same(seen, turn), turn]
            found = tuple(dict.fromkeys((*found, turn.value)))
            continue
        recent = [] if found and turn.given else [one for one in seen if turn.at - one.at <= _DAYS]
        seen = [*_but_same(recent, turn), turn]
        found = _since_last(seen)
    return found


def _but_same(seen: Sequence[Turn], turn: Turn) -> Sequence[Turn]:
    """Without the last where the turn says the same: of a run the latest counts."""
    return seen[:-1] if seen and seen[-1].value == turn.value else seen


def _since_last(turns: Sequence[Turn]) -> tuple[str, ...]:
    """All values since the latest one was first said, where others lie between."""
    values = [turn.value for turn in turns]
    stretch = values[values.index(values[-1]) :]
    return tuple(dict.fromkeys(stretch)) if switches(stretch) >= _TO_AND_FRO else ()
