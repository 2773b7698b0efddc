"""Which rows each step sees: a pure function of counts, lengths, schedule and seed."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from persona.train.recipe import Schedule
from persona.train.rows import Family


@dataclass(frozen=True, kw_only=True, slots=True)
class Micro:
    """Rows that go through the model together: indices into the user rows and the replay rows.

    Where `shared` is not 0, the prompts of the user rows begin with so many tokens that are computed once.
    """

    step: int
    user: tuple[int, ...] = ()
    replay: tuple[int, ...] = ()
    shared: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Every micro-batch in order, each step's together."""

    steps: int
    micros: tuple[Micro, ...]

    def widest(self, user_lengths: Sequence[int], replay_lengths: Sequence[int]) -> int:
        """Tokens of the longest sequence in any of them: a row, or a bundle of calls."""
        return max(
            length
            for micro in self.micros
            for length in (
                [micro.shared + sum(user_lengths[i] - micro.shared for i in micro.user)]
                if micro.shared
                else [*(user_lengths[i] for i in micro.user), *(replay_lengths[i] for i in micro.replay)]
            )
        )

    def of_step(self, step: int) -> tuple[Micro, ...]:
        """The micro-batches of one step, counted from 0."""
        return tuple(micro for micro in self.micros if micro.step == step)


def steps_for(groups: int, schedule: Schedule, calls: int = 0) -> int:
    """Steps that make the wanted epochs of so many groups of prose and of calls, within the bounds."""
    wanted = math.ceil(
        schedule.epochs * max(groups / schedule.batch, calls / schedule.call_batch if calls else 0)
    )
    return min(max(wanted, schedule.min_steps), schedule.max_steps)


def plan(
    *,
    user_lengths: Sequence[int],
    replay_lengths: Sequence[int],
    schedule: Schedule,
    seed: int,
    groups: Sequence[Sequence[int]] | None = None,
    calls: Sequence[Family] = (),
    practice: Sequence[int] = (),
    workers: int = 1,
) -> Plan:
    """Every group of user rows is seen equally often (within one); replay rows go round likewise.

    `groups` holds indices of rows that answer one prompt: they take turns, so that a prompt with three
    pairs costs no more than one with one. None means that every row is its own group. `calls` are groups
    too, which go round for themselves, since a step can take those of one family together: each step asks
    one family, as often as it has groups, and some of the rows beside it. `practice` holds indices of user
    rows that are in no group: they go round likewise and do not lengthen the build. Lengths are tokens of a
    row as the model sees it. A micro-batch holds at most `schedule.micro_tokens`, or
    `schedule.bundle_tokens` of one family, or one row when that row alone is longer. There are as many as
    occupy that many `workers` to the end of a step.
    """
    groups = [[i] for i in range(len(user_lengths))] if groups is None else groups
    if not groups and not calls and not practice:
        raise ValueError("nothing to plan: no user rows, and none to practise")
    shuffle = random.Random(seed)  # noqa: S311  # an order, not a secret
    steps = steps_for(len(groups), schedule, sum(len(family.groups) for family in calls))
    user = _visits(groups, shuffle)
    replay = _rounds(len(replay_lengths), shuffle)
    practised = (practice[n] for n in _rounds(len(practice), shuffle))
    called = _calls(calls, schedule, shuffle)
    micros: list[Micro] = []
    for step in range(steps):
        portions: list[tuple[str, int, int]] = [
            ("user", i, user_lengths[i]) for i in islice(user, min(schedule.batch, len(groups)))
        ]
        portions += [
            ("user", i, user_lengths[i])
            for i in islice(practised, min(schedule.practice_batch, len(practice)))
        ]
        portions += [
            ("replay", i, replay_lengths[i])
            for i in islice(replay, min(schedule.replay_batch, len(replay_lengths)))
        ]
        bundles: list[Micro] = []
        if calls:
            rows, shared = next(called)
            bundles += _bundles(step, rows, shared, user_lengths, schedule.bundle_tokens)
        if portions:
            micros += _pack(step, portions, schedule.micro_tokens, workers, beside=len(bundles))
        micros += bundles
    return Plan(steps=steps, micros=tuple(micros))


def _visits(groups: Sequence[Sequence[int]], shuffle: random.Random) -> Iterator[int]:
    """Each group in turn, each time with the next of its rows."""
    turns = [cycle(group) for group in groups]
    return (next(turns[g]) for g in _rounds(len(groups), shuffle))


def _calls(
    families: Sequence[Family], schedule: Schedule, shuffle: random.Random
) -> Iterator[tuple[list[int], int]]:
    """Rows of one family, and how many tokens their prompts share; without end if there is any."""
    visits = [_visits(family.groups, shuffle) for family in families]
    beside = [_visits([[row] for row in family.beside], shuffle) for family in families]
    asked = [n for n, family in enumerate(families) for _ in family.groups]
    for place in _rounds(len(asked), shuffle):
        n = asked[place]
        family = families[n]
        rows = list(islice(visits[n], min(schedule.call_batch, len(family.groups))))
        yield rows + list(islice(beside[n], min(schedule.offer_batch, len(family.beside)))), family.shared


def _bundles(
    step: int, rows: Sequence[int], shared: int, lengths: Sequence[int], limit: int
) -> Iterator[Micro]:
    """The rows in as few micro-batches as hold them, each computing once what they share."""
    bundle: list[int] = []
    room = 0
    for row in rows:
        if bundle and lengths[row] - shared > room:
            yield Micro(step=step, user=tuple(bundle), shared=shared if len(bundle) > 1 else 0)
            bundle = []
        room = (room if bundle else limit - shared) - (lengths[row] - shared)
        bundle.append(row)
    yield Micro(step=step, user=tuple(bundle), shared=shared if len(bundle) > 1 else 0)


def _rounds(n: int, shuffle: random.Random) -> Iterator[int]:
    order = list(range(n))
    while n:
        shuffle.shuffle(order)
        yield from order


def _pack(
    step: int, portions: list[tuple[str, int, int]], limit: int, workers: int, *, beside: int
) -> list[Micro]:
    """Neighbours in length together, in a number that the workers can share, and then as even as may be.

    `beside` so many bundles, which are micro-batches of the step too.
    """
    portions = sorted(portions, key=lambda p: p[2])
    fewest = len(_filled(step, portions, limit)) + beside
    shared_by_all = math.ceil(fewest / workers) * workers - beside
    even = bisect_left(
        range(limit), True, key=lambda at_most: len(_filled(step, portions, at_most)) <= shared_by_all
    )
    return _filled(step, portions, even)


def _filled(step: int, portions: list[tuple[str, int, int]], limit: int) -> list[Micro]:
    """In their order, each micro-batch as full as it can be: it is padded to its longest row."""
    micros: list[Micro] = []
    user: list[int] = []
    replay: list[int] = []
    longest = 0
    for kind, index, length in portions:
        rows = len(user) + len(replay)
        if rows and max(longest, length) * (rows + 1) > limit:
            micros.append(Micro(step=step, user=tuple(user), replay=tuple(replay)))
            user, replay, longest = [], [], 0
        (user if kind == "user" else replay).append(index)
        longest = max(longest, length)
    micros.append(Micro(step=step, user=tuple(user), replay=tuple(replay)))
    return micros
