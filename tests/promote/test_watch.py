"""The votes after a promotion: an honest test for small numbers, and a rollback that says why."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import pytest
from promote_parts import registry_with

from adapters import OperationKind
from persona.promote import Finding, Votes, Watched, WatchPolicy, concern, heed, watch
from persona.promote.watch import chance_of_as_many


def look(now: Votes, before: Votes) -> Watched:
    return watch(now, before, WatchPolicy(), name="r2", name_before="r1")


def test_the_chance_is_what_counting_every_case_gives() -> None:
    """Fisher's exact test against brute force: deal the votes out in every possible way."""
    now, before = Votes(ups=1, downs=3), Votes(ups=4, downs=1)
    downs = now.downs + before.downs
    deals = list(combinations(range(now.cast + before.cast), now.cast))
    at_least = sum(sum(seat < downs for seat in deal) >= now.downs for deal in deals)
    assert at_least / len(deals) == pytest.approx(chance_of_as_many(now, before))


@pytest.mark.parametrize(
    ("now", "before", "finding"),
    [
        (Votes(ups=4, downs=0), Votes(ups=9, downs=1), Finding.TOO_FEW),
        (Votes(ups=0, downs=9), Votes(ups=2, downs=2), Finding.TOO_FEW),
        (Votes(ups=0, downs=0), Votes(), Finding.TOO_FEW),
        (Votes(ups=3, downs=3), Votes(ups=8, downs=2), Finding.FINE),  # half, and six votes: may be luck
        (Votes(ups=2, downs=10), Votes(ups=18, downs=2), Finding.WORSE),
        (Votes(ups=18, downs=2), Votes(ups=2, downs=10), Finding.FINE),  # better
        (
            Votes(ups=650, downs=350),
            Votes(ups=750, downs=250),
            Finding.FINE,
        ),  # sure, and little
    ],
)
def test_what_counts_as_worse(now: Votes, before: Votes, finding: Finding) -> None:
    """Enough votes on both, a difference that matters, and hardly ever by luck."""
    assert finding is look(now, before).finding


def test_reasons_have_the_numbers() -> None:
    """A person can check them."""
    found = look(Votes(ups=2, downs=10), Votes(ups=18, downs=2))
    assert "r2: 10 of 12 votes down (83%); r1: 2 of 20 votes down (10%); by chance" in found.reason
    assert "r2 has 1 of the 5 votes" in look(Votes(downs=1), Votes(ups=18, downs=2)).reason


def test_asking_after_every_vote_seldom_raises_a_false_alarm() -> None:
    """Forty looks at a revision as good as the one before: at most three in a hundred end in alarm."""
    roll = random.Random(5)
    alarms = 0
    for _ in range(300):
        before = sum(roll.random() < 0.3 for _ in range(20))
        downs = 0
        for cast in range(1, 41):
            downs += roll.random() < 0.3
            now = Votes(ups=cast - downs, downs=downs)
            if look(now, Votes(ups=20 - before, downs=before)).finding is Finding.WORSE:
                alarms += 1
                break
    assert alarms <= 9


WORSE = {0: Votes(ups=18, downs=2), 1: Votes(ups=2, downs=10)}


def test_a_rollback_bears_its_reason(tmp_path: Path) -> None:
    """It goes to the champion before, as an operation like any other, once."""
    registry, ids = registry_with(tmp_path, "promote", "promote")
    votes = {ids[number]: each for number, each in WORSE.items()}
    found = concern(registry, votes, WatchPolicy())
    assert found is not None
    assert (ids[1], ids[0], True) == (found.champion, found.before, found.is_worse)
    operation = heed(registry, votes, WatchPolicy())
    assert operation is not None
    assert (OperationKind.ROLLBACK, ids[0]) == (operation.kind, operation.revision)
    assert operation.reason.startswith("the votes: r2: 10 of 12 votes down")
    assert heed(registry, votes, WatchPolicy()) is None  # the user, or the votes, have spoken
    assert ids[0] == registry.champion()


def test_nothing_to_compare(tmp_path: Path) -> None:
    """Without a promotion there is no concern; the bare base is what a first one is compared with."""
    registry, _ = registry_with(tmp_path / "a")
    assert concern(registry, {}, WatchPolicy()) is None
    registry, ids = registry_with(tmp_path / "b", "promote")
    found = concern(registry, {"r0": Votes(ups=18, downs=2), ids[0]: Votes(ups=2, downs=10)}, WatchPolicy())
    assert found is not None
    assert ("r0", True) == (found.before, found.is_worse)
