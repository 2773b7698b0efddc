"""What the votes say about the present champion, and the rollback that follows when that is wished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters import Operation, OperationKind, Registry
from adapters.operation import TAKES_OFFICE
from persona.promote.watch import Finding, Votes, Watched, WatchPolicy, watch

_BY_VOTES = "the votes: "  # how the reason of such a rollback begins


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """The champion beside the one before it; both are revision ids."""

    champion: str
    before: str
    watched: Watched

    @property
    def is_worse(self) -> bool:
        return self.watched.finding is Finding.WORSE


def concern(registry: Registry, votes: Mapping[str, Votes], policy: WatchPolicy) -> Concern | None:
    """None while no promoted revision is in office: after a rollback the user has spoken already."""
    in_office = [operation for operation in registry.operations() if operation.kind in TAKES_OFFICE]
    before = registry.previous()
    if not in_office or in_office[-1].kind is not OperationKind.PROMOTE or before is None:
        return None
    champion = registry.champion()
    return Concern(
        champion=champion,
        before=before,
        watched=watch(
            votes.get(champion, Votes()),
            votes.get(before, Votes()),
            policy,
            name=registry.resolve(champion).ref,
            name_before=registry.resolve(before).ref,
        ),
    )


def taken_back(registry: Registry) -> Operation | None:
    """The rollback that the votes did, for as long as nothing has taken office since."""
    in_office = [operation for operation in registry.operations() if operation.kind in TAKES_OFFICE]
    last = in_office[-1] if in_office else None
    if last is None or last.kind is not OperationKind.ROLLBACK or not last.reason.startswith(_BY_VOTES):
        return None
    return last


def heed(registry: Registry, votes: Mapping[str, Votes], policy: WatchPolicy) -> Operation | None:
    """Roll back if the votes say so; the operation bears the reason. None when nothing is to be done."""
    found = concern(registry, votes, policy)
    if found is None or not found.is_worse:
        return None
    return registry.rollback(found.before, reason=f"{_BY_VOTES}{found.watched.reason}")
