"""Which revisions stay on disk, and why: a pure plan, and the few lines that carry it out.

The champion, the one before it, what is pinned, what is in use and the newest that awaits judgement always
stay; an older one does for a while, since nobody judges it once another build is there. What goes is retired
first, which is an operation in the log, and its files are erased after: a crash in between leaves files of a
retired revision, and the next plan names them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters import Operation, Registry, Revision, RevisionState


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionPolicy:
    """`former`: how many former champions stay besides those that always do, the newest.
    `rejected_days`: how long a rejected revision stays after its verdict, and one without a verdict after a
    newer one was built."""

    former: int = 5
    rejected_days: float = 14.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """All that decides about one revision. `since`: when it came into its state; `bytes`: on the disk."""

    id: str
    ref: str
    number: int
    state: RevisionState
    since: datetime
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """Whether a revision stays, and why."""

    standing: Standing
    stays: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    fates: Sequence[Fate]

    @property
    def leaving(self) -> list[Fate]:
        return [fate for fate in self.fates if not fate.stays]

    @property
    def freed_bytes(self) -> int:
        return sum(fate.standing.bytes for fate in self.leaving)


def plan(
    standings: Iterable[Standing],
    policy: RetentionPolicy,
    *,
    now: datetime,
    previous: str | None,
    pinned: Collection[str] = (),
    leased: Collection[str] = (),
) -> Plan:
    """The fate of every revision, by number. Pure: the same facts give the same plan."""
    left = policy.former
    fates: list[Fate] = []
    newest_first = sorted(standings, key=lambda each: each.number, reverse=True)
    for standing in newest_first:
        why_stays = _always(standing, previous=previous, pinned=pinned, leased=leased)
        if why_stays is None and standing.state is RevisionState.FORMER and left > 0:
            left -= 1
            why_stays = f"one of the {policy.former} newest former champions"
        if why_stays is None:
            why_stays = _young(standing, policy, now, newest=standing is newest_first[0])
        reason = why_stays or _why_leaves(standing, policy)
        fates.append(Fate(standing=standing, stays=why_stays is not None, reason=reason))
    return Plan(fates=tuple(reversed(fates)))


def _always(
    standing: Standing, *, previous: str | None, pinned: Collection[str], leased: Collection[str]
) -> str | None:
    if standing.state is RevisionState.RETIRED:
        return None if standing.bytes else "retired, and its files are gone"
    if standing.state is RevisionState.CHAMPION:
        return "the champion"
    if standing.id == previous:
        return "where a rollback goes"
    if standing.id in pinned:
        return "pinned"
    return "in use" if standing.id in leased else None


def _young(standing: Standing, policy: RetentionPolicy, now: datetime, *, newest: bool) -> str | None:
    age = now - standing.since
    if standing.state is RevisionState.CANDIDATE and (newest or age < timedelta(days=policy.rejected_days)):
        return "awaits judgement"
    if standing.state is RevisionState.REJECTED and age < timedelta(days=policy.rejected_days):
        return f"rejected {age.days} days ago; stays {policy.rejected_days:g}"
    return None


def _why_leaves(standing: Standing, policy: RetentionPolicy) -> str:
    if standing.state is RevisionState.RETIRED:
        return "retired already, and its files are still there"
    if standing.state is RevisionState.CANDIDATE:
        return f"not judged in {policy.rejected_days:g} days, and a newer one is there"
    if standing.state is RevisionState.REJECTED:
        return f"rejected more than {policy.rejected_days:g} days ago"
    return f"older than the {policy.former} former champions that stay"


def standings(registry: Registry) -> list[Standing]:
    """Every revision that can be read. Raises Damaged when one cannot: then nothing may be removed."""
    states = registry.states()
    last: dict[str, Operation] = {operation.revision: operation for operation in registry.operations()}
    return [
        Standing(
            id=revision.id,
            ref=revision.ref,
            number=revision.number,
            state=states[revision.id],
            since=last[revision.id].at if revision.id in last else revision.created_at,
            bytes=_bytes(revision),
        )
        for revision in registry.revisions()
    ]


def _bytes(revision: Revision) -> int:
    files = [revision.path / name for name in revision.files]
    return sum(file.stat().st_size for file in files if file.exists())


def carry_out(registry: Registry, leaving: Iterable[Fate]) -> None:
    """Retire and erase. Idempotent, so one that was cut off is simply done again."""
    for fate in leaving:
        if fate.standing.state is not RevisionState.RETIRED:
            registry.retire(fate.standing.id, f"gc: {fate.reason}")
        registry.erase(fate.standing.id)
