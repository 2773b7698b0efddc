"""Who is the champion, who was, and what may happen next: derived from the operations alone, without I/O."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.operation import TAKES_OFFICE, Operation, OperationKind
from adapters.revision import BARE_ID, RevisionState

_OUT_OF_SERVICE = (OperationKind.REJECT, OperationKind.RETIRE)


class Succession:
    """The state after a run of operations.

    The line holds the champions that a rollback can go back through, the bare base first and the present one
    last. A rollback to one of them cuts the line there, so two rollbacks in a row go two steps back.
    """

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._line = [BARE_ID]
        self._last: dict[str, OperationKind] = {}
        for operation in operations:
            self.apply(operation)

    def apply(self, operation: Operation) -> None:
        self._last[operation.revision] = operation.kind
        if operation.kind is OperationKind.PROMOTE:
            self._line.append(operation.revision)
        elif operation.kind is OperationKind.ROLLBACK:
            if operation.revision in self._line:
                while self._line[-1] != operation.revision:
                    self._line.pop()
            else:
                self._line.append(operation.revision)

    @property
    def named(self) -> set[str]:
        """Every revision that some operation is about."""
        return set(self._last)

    @property
    def line(self) -> tuple[str, ...]:
        """The champions that a rollback can go back through, r0 first and the present one last."""
        return tuple(self._line)

    @property
    def champion(self) -> str:
        return self._line[-1]

    @property
    def previous(self) -> str | None:
        """Where a rollback goes by default: the last champion before this one that is still in service."""
        for revision in reversed(self._line[:-1]):
            if revision != self.champion and self._last.get(revision) not in _OUT_OF_SERVICE:
                return revision
        return None

    def state(self, revision: str) -> RevisionState:
        """Of a published revision, or of r0, which is a former champion when it is not the champion."""
        if revision == self.champion:
            return RevisionState.CHAMPION
        last = self._last.get(revision)
        if last is OperationKind.REJECT:
            return RevisionState.REJECTED
        if last is OperationKind.RETIRE:
            return RevisionState.RETIRED
        if last is None and revision != BARE_ID:
            return RevisionState.CANDIDATE
        return RevisionState.FORMER

    def objection(self, kind: OperationKind, revision: str) -> str | None:
        """Why this operation may not come next; None when it may."""
        takes_office = kind in TAKES_OFFICE
        if revision == BARE_ID and kind is not OperationKind.ROLLBACK:
            return "it is the bare base; roll back to it instead" if takes_office else "it is the bare base"
        if revision == self.champion:
            return "it is the champion already" if takes_office else "it is the champion; roll back first"
        if self._last.get(revision) is OperationKind.RETIRE:
            return "it is retired, and that is for good"
        if kind is OperationKind.REJECT and self._last.get(revision) is OperationKind.REJECT:
            return "it is rejected already"
        return None
