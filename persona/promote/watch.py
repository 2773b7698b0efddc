"""After a promotion: do the votes say that the new revision is worse? A pure function with reasons.

The test is Fisher's exact test, one-sided: given as many votes and as many downs as there were, how likely
would chance alone give the new revision so large a part of the downs. It needs no large numbers. It is asked
again after every vote, which makes a false alarm likelier than one asking does; so the bar is high.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import comb


@dataclass(frozen=True, kw_only=True, slots=True)
class Votes:
    """On answers of one revision; of an answer the last vote counts."""

    ups: int = 0
    downs: int = 0

    @property
    def cast(self) -> int:
        return self.ups + self.downs

    def __str__(self) -> str:
        return f"{self.downs} of {self.cast} votes down"


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchPolicy:
    """`doubt` is the largest chance, by luck alone, at which the votes still count as proof. README.md says
    how often these numbers raise a false alarm."""

    min_votes: int = 5
    worse_by: float = 0.15
    doubt: float = 0.01


class Finding(StrEnum):
    TOO_FEW = "too_few"
    FINE = "fine"
    WORSE = "worse"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """`chance` is the test's: of votes like these if nothing had become worse; None without a test."""

    finding: Finding
    reason: str
    chance: float | None = None


def watch(now: Votes, before: Votes, policy: WatchPolicy, *, name: str, name_before: str) -> Watched:
    """What the votes on `name` say beside those on `name_before`, the champion before it."""
    for votes, of in ((now, name), (before, name_before)):
        if votes.cast < policy.min_votes:
            return Watched(
                finding=Finding.TOO_FEW,
                reason=f"{of} has {votes.cast} of the {policy.min_votes} votes that it takes to compare",
            )
    chance = chance_of_as_many(now, before)
    share, share_before = now.downs / now.cast, before.downs / before.cast
    compared = f"{name}: {now} ({share:.0%}); {name_before}: {before} ({share_before:.0%})"
    if share - share_before >= policy.worse_by and chance <= policy.doubt:
        return Watched(
            finding=Finding.WORSE,
            reason=f"{compared}; by chance alone in {max(chance, 0.001):.1%} of cases",
            chance=chance,
        )
    return Watched(finding=Finding.FINE, reason=compared, chance=chance)


def chance_of_as_many(now: Votes, before: Votes) -> float:
    """Fisher's exact test, one-sided: the chance that `now` holds at least so many of all downs."""
    cast, downs = now.cast + before.cast, now.downs + before.downs
    at_least = range(now.downs, min(downs, now.cast) + 1)
    return sum(comb(downs, k) * comb(cast - downs, now.cast - k) for k in at_least) / comb(cast, now.cast)
