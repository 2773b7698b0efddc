"""A conversation's interactions, each with what came after it on its line.

Invariant: every message of a line is read once as a reply; what another branch said is never mixed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from store.records import Interaction, Message

_TURN = timedelta(milliseconds=1)  # between two messages whose times are not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One interaction, `next` that continued it, and everything said `after` it, to the end of its line.

    `others` are completions that were given later to the very same prompt.
    """

    interaction: Interaction
    after: tuple[Message, ...] = ()
    next: Interaction | None = None
    others: tuple[Message, ...] = ()

    def time_of(self, place: int | None) -> datetime:
        """When the message at this place of `after` was said; the interaction's own time for all others.

        The same whether or not it was answered meanwhile, where only the beginning of a talk is known.
        """
        if place is None or place < 0:
            return self.interaction.at
        if self.next is None:
            return self.interaction.at + (place + 1) * _TURN
        between = len(self.next.prompt) - len(self.interaction.prompt) - 1
        return max(self.interaction.at, self.next.at - (between - place) * _TURN)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Branch:
    """A line to its end, and the interactions on it, the latest first."""

    whole: tuple[Message, ...]
    members: list[Interaction] = field(default_factory=list)

    def holds(self, one: Interaction) -> bool:
        size = len(one.prompt)
        return (
            len(self.whole) > size and self.whole[size] == one.completion and self.whole[:size] == one.prompt
        )


def lines(
    talk: Sequence[Interaction], follow_up: Callable[[str], Sequence[Message]] = lambda _: ()
) -> list[Line]:
    """The lines of one conversation, in the order of `talk` (by time).

    `follow_up` gives what was said after the interaction with this id before the next answer. Where a talk
    branched, an interaction belongs to the branch that went on longest, the later one of two.
    """
    found: dict[str, Line] = {}
    for branch in _branches(talk):
        last = branch.members[0]
        whole = (*branch.whole, *follow_up(last.id))
        following: Interaction | None = None
        same: list[Interaction] = []
        for one in branch.members:
            if same and len(same[0].prompt) > len(one.prompt):
                following, same = same[-1], []
            same.append(one)
            found[one.id] = Line(
                interaction=one,
                after=whole[len(one.prompt) + 1 :],
                next=following,
                others=_others(one, talk),
            )
    return [found[one.id] for one in talk]


def _branches(talk: Sequence[Interaction]) -> list[_Branch]:
    branches: list[_Branch] = []
    for one in sorted(talk, key=lambda each: (len(each.prompt), each.at, each.id), reverse=True):
        branch = next((each for each in branches if each.holds(one)), None)
        if branch is None:
            branch = _Branch(whole=(*one.prompt, one.completion))
            branches.append(branch)
        branch.members.append(one)
    return branches


def _others(one: Interaction, talk: Sequence[Interaction]) -> tuple[Message, ...]:
    return tuple(
        each.completion
        for each in talk
        if len(each.prompt) == len(one.prompt)
        and (each.at, each.id) > (one.at, one.id)
        and each.completion != one.completion
        and each.prompt == one.prompt
    )
