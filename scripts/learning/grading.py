"""What a person thinks of the answers to their held-out requests; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from people import HeldOut, Wish

from persona.evaluate.calls import exact
from persona.report import Rate
from store.records import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Grades:
    """Named as in learning.cells.Cell."""

    adoption: Rate
    retention: Rate
    residue: Rate
    calls: Rate
    wishes: dict[str, Rate]
    contested: dict[str, Rate]
    right: tuple[int, ...]


def grade(held_out: Sequence[HeldOut], answers: Sequence[Message], *, night: int) -> Grades:
    """One answer for each request, in order; `night` is the last one that taught."""
    both = list(zip(held_out, answers, strict=True))
    right = tuple(int(asked.right(answer)) for asked, answer in both)
    return Grades(
        adoption=Rate(passed=sum(right), asked=len(right)),
        retention=_rate(
            wish.checker.passes(answer)
            for asked, answer in both
            for wish in asked.wanted
            if wish.since < night
        ),
        residue=_rate(wish.checker.passes(answer) for asked, answer in both for wish in asked.residue),
        calls=_rate(exact(answer, [asked.call]) for asked, answer in both if asked.call is not None),
        wishes=_by_statement((wish, answer) for asked, answer in both for wish in asked.wanted),
        contested=_by_statement((wish, answer) for asked, answer in both for wish in asked.contested),
        right=right,
    )


def _by_statement(asked: Iterable[tuple[Wish, Message]]) -> dict[str, Rate]:
    passed: dict[str, list[bool]] = {}
    for wish, answer in asked:
        passed.setdefault(wish.statement, []).append(wish.checker.passes(answer))
    return {statement: _rate(each) for statement, each in passed.items()}


def _rate(passed: Iterable[bool]) -> Rate:
    each = list(passed)
    return Rate(passed=sum(each), asked=len(each))
